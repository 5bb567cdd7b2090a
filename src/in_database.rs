//! Tests that run inside a server and look at what SQL can't see.

#[pgrx::pg_schema]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use pgrx::prelude::*;

    use crate::api::jsonb_writer;
    use crate::crypto::password::{Cost, derivations, last_cost};
    use crate::error::{AuthError, Code};
    use crate::flow::input::Input;
    use crate::flow::session::{Caller, Client, Live};
    use crate::flow::{sign_in, sign_up};

    /// Somebody without a session.
    struct Nobody;

    impl Caller for Nobody {
        fn endpoint(&self) -> &str {
            ""
        }

        fn session(&mut self, _: bool) -> Result<Option<Live>, AuthError> {
            Ok(None)
        }

        fn client(&self) -> Client<'_> {
            Client::default()
        }

        fn base_url(&self) -> Result<String, AuthError> {
            Ok("http://localhost/api/auth".into())
        }
    }

    fn sign_up(email: &str, password: &str) -> Result<sign_up::SignedUp, AuthError> {
        let request = sign_up::Request {
            name: Input::Text("Ada"),
            email: Input::Text(email),
            password: Input::Text(password),
            image: Input::Undefined,
            callback_url: Input::Undefined,
            remember_me: Input::Undefined,
            additional: &serde_json::Map::new(),
        };
        sign_up::email(&mut Nobody, &request)
    }

    fn sign_in(email: &str, password: &str) -> Result<(), AuthError> {
        let request = sign_in::Request {
            email: Input::Text(email),
            password: Input::Text(password),
            callback_url: Input::Undefined,
            remember_me: Input::Undefined,
        };
        sign_in::email(&mut Nobody, &request).map(drop)
    }

    /// The answer to a sign-in, and how many hashes it cost.
    fn cost(email: &str, password: &str) -> (Option<AuthError>, u64) {
        let before = derivations();
        let error = sign_in(email, password).err();
        (error, derivations() - before)
    }

    const REFUSED: Option<AuthError> = Some(AuthError::Api(Code::INVALID_EMAIL_OR_PASSWORD));

    #[pg_test]
    fn every_refused_sign_in_costs_one_hash() {
        sign_up("ada@example.com", "password1234").unwrap();
        assert_eq!(cost("ada@example.com", "wrong-password"), (REFUSED, 1));
        assert_eq!(cost("nobody@example.com", "password1234"), (REFUSED, 1));
        Spi::run("UPDATE better_auth.account SET password = NULL").unwrap();
        assert_eq!(cost("ada@example.com", "password1234"), (REFUSED, 1));
        Spi::run("UPDATE better_auth.account SET password = 'not a hash'").unwrap();
        assert_eq!(cost("ada@example.com", "password1234"), (REFUSED, 1));
        Spi::run("UPDATE better_auth.account SET \"providerId\" = 'google'").unwrap();
        assert_eq!(cost("ada@example.com", "password1234"), (REFUSED, 1));
    }

    /// An import's hashes cost another time than ours, and an unknown email what one of them does.
    #[pg_test]
    fn an_unknown_email_costs_what_a_known_one_does() {
        sign_up("ada@example.com", "password1234").unwrap();
        let bcrypt = "$2b$04$aaaaaaaaaaaaaaaaaaaaa.XNlF5OOgZYHH.o.EqUoBOBJLSfIvAjy";
        Spi::run(&format!("UPDATE better_auth.account SET password = '{bcrypt}'")).unwrap();
        for (email, password) in
            [("ada@example.com", "wrong-password"), ("nobody@example.com", "wrong-password")]
        {
            assert_eq!(cost(email, password), (REFUSED, 1));
            assert_eq!(last_cost(), Some(Cost::Bcrypt { rounds: 4 }), "{email}");
        }
        // Typed in two ways, both are tried.
        for email in ["ada@example.com", "nobody@example.com"] {
            assert_eq!(cost(email, "wrong\u{2026}password"), (REFUSED, 2));
            assert_eq!(last_cost(), Some(Cost::Bcrypt { rounds: 4 }), "{email}");
        }
        Spi::run("UPDATE better_auth.account SET password = NULL").unwrap();
        assert_eq!(cost("ada@example.com", "password1234"), (REFUSED, 1));
        assert_eq!(last_cost(), Some(Cost::Bcrypt { rounds: 4 }));
    }

    /// Where there are several costs, each name has one of its own.
    #[pg_test]
    fn unknown_emails_cost_what_the_others_do_each_always_the_same() {
        let bcrypt = "$2b$04$aaaaaaaaaaaaaaaaaaaaa.XNlF5OOgZYHH.o.EqUoBOBJLSfIvAjy";
        for email in ["ada@example.com", "grace@example.com"] {
            sign_up(email, "password1234").unwrap();
        }
        Spi::run(&format!(
            "UPDATE better_auth.account SET password = CASE \"userId\" WHEN (SELECT min(id) FROM better_auth.\"user\")
                 THEN '{bcrypt}' ELSE replace('{bcrypt}', '$04$', '$05$') END"
        ))
        .unwrap();
        let costs = || {
            let cost = |number| {
                assert_eq!(cost(&format!("nobody{number}@example.com"), "wrong-password"), (REFUSED, 1));
                last_cost().unwrap()
            };
            (0..64).map(cost).collect::<Vec<_>>()
        };
        let first = costs();
        assert_eq!(first, costs());
        for rounds in [4, 5] {
            let share = first.iter().filter(|cost| **cost == Cost::Bcrypt { rounds }).count();
            assert!((8..=56).contains(&share), "{share} of 64 with {rounds}");
        }
    }

    #[pg_test]
    fn a_hash_of_what_was_typed_is_made_anew_at_the_next_sign_in() {
        sign_up("ada@example.com", "password1234").unwrap();
        // argon2id at our own cost, of the bytes as they are: libargon2's.
        let typed = "pass\u{a0}word\u{2122}";
        let stored = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$z86jpwtjckjzsaYDJ5/jWlqWfWRX+dwNiWdG8/ePVxE";
        Spi::run(&format!("UPDATE better_auth.account SET password = '{stored}'")).unwrap();
        assert_eq!(cost("ada@example.com", typed), (None, 3));
        let now = Spi::get_one::<String>("SELECT password FROM better_auth.account").unwrap().unwrap();
        assert_ne!(now, stored);
        // Now every spelling is good.
        assert_eq!(cost("ada@example.com", typed), (None, 1));
        assert_eq!(cost("ada@example.com", "pass wordTM"), (None, 1));
    }

    #[pg_test]
    fn a_right_password_costs_one_hash_and_a_second_one_to_store_it_better() {
        sign_up("ada@example.com", "password1234").unwrap();
        assert_eq!(cost("ada@example.com", "password1234"), (None, 1));
        Spi::run("SET LOCAL better_auth.password_hash = 'scrypt'").unwrap();
        assert_eq!(cost("ada@example.com", "password1234"), (None, 2));
        assert_eq!(cost("ada@example.com", "password1234"), (None, 1));
    }

    #[pg_test]
    fn what_is_refused_by_its_form_costs_no_hash() {
        let long = "x".repeat(129);
        assert_eq!(cost("nobody", "password1234"), (Some(Code::INVALID_EMAIL.into()), 0));
        assert_eq!(cost("a@example.com", &long), (Some(Code::PASSWORD_TOO_LONG.into()), 0));
        let before = derivations();
        assert_eq!(sign_up("a@example.com", "short").err(), Some(Code::PASSWORD_TOO_SHORT.into()));
        assert_eq!(sign_up("a@example.com", &long).err(), Some(Code::PASSWORD_TOO_LONG.into()));
        let endless = format!("{}@example.com", "x".repeat(2048));
        assert_eq!(sign_up(&endless, "password1234").err(), Some(Code::FAILED_TO_CREATE_USER.into()));
        assert_eq!(derivations(), before);
    }

    #[pg_test]
    fn a_discreet_sign_up_costs_the_same_for_a_taken_email() {
        Spi::run("SET LOCAL better_auth.require_email_verification = on").unwrap();
        let start = derivations();
        let first = sign_up("ada@example.com", "password1234").unwrap();
        let between = derivations();
        let second = sign_up("ADA@example.com", "password1234").unwrap();
        assert_eq!(between - start, derivations() - between);
        assert!(first.session.is_none() && second.session.is_none());
        assert_eq!(first.user.email, second.user.email);
        assert_ne!(first.user.id, second.user.id);
        let users = Spi::get_one::<i64>("SELECT count(*) FROM better_auth.\"user\"").unwrap();
        assert_eq!(users, Some(1));
    }

    #[pg_test]
    fn statements_follow_a_table_that_changes_under_them() {
        let session = sign_up("ada@example.com", "password1234").unwrap().session.unwrap();
        let read = || crate::flow::session::current(Some(&session.token), true, false).unwrap().unwrap();
        let before = read().session.expires_at;
        Spi::run(
            "ALTER TABLE better_auth.session ALTER \"expiresAt\" TYPE timestamp USING \"expiresAt\" AT TIME ZONE 'UTC';
             ALTER TABLE better_auth.\"user\" ADD COLUMN role text NOT NULL DEFAULT 'x';
             ALTER TABLE better_auth.\"user\" ALTER role DROP DEFAULT;
             SET LOCAL TimeZone = 'America/New_York'",
        )
        .unwrap();
        assert_eq!(read().session.expires_at, before);
        sign_up("grace@example.com", "password1234").unwrap();
    }

    #[pg_test]
    fn signing_follows_the_secret_within_one_transaction() {
        let sign = || Spi::get_one::<String>("SELECT better_auth.sign_jwt('{\"exp\": 4102444800}')").unwrap();
        let first = sign();
        Spi::run("SELECT better_auth.rotate_secret('jwt')").unwrap();
        assert_ne!(sign(), first);
    }

    /// What jsonb_in makes of it, header and all.
    fn by_postgres(json: &str) -> Vec<u8> {
        let text = std::ffi::CString::new(json).unwrap();
        // SAFETY: jsonb_in takes one terminated string, and gives a value with a header that says its size.
        unsafe {
            let datum: pg_sys::Datum =
                pgrx::direct_function_call(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]).unwrap();
            let value: *const pg_sys::varlena = datum.cast_mut_ptr();
            std::slice::from_raw_parts(value.cast(), pgrx::varsize_any(value)).to_vec()
        }
    }

    /// JSON text of any shape.
    fn some_json(next: &mut impl FnMut(u64) -> u64, depth: u64) -> String {
        const TEXTS: [&str; 8] = ["", "a", "b", "sub", r"\u00e9\n\\", r#"q\""#, r"\ud83d\ude00", "ü😀"];
        let text = |next: &mut dyn FnMut(u64) -> u64| match next(4) {
            0 => format!("\"{}\"", "x".repeat(next(200) as usize)),
            1 => format!("\"key{}\"", next(60)),
            _ => format!("\"{}\"", TEXTS[next(8) as usize]),
        };
        match next(if depth > 4 { 8 } else { 12 }) {
            0 => "null".into(),
            1 => "true".into(),
            2 => "false".into(),
            3 => (next(u64::MAX) as i64).to_string(),
            4 => (next(20_001) as i64 - 10_000).to_string(),
            5 => (10_i64.pow(next(19) as u32) * (next(19) as i64 - 9)).to_string(),
            6 | 7 => text(next),
            8 | 9 => {
                let items: Vec<String> =
                    (0..next(if depth == 0 { 80 } else { 9 })).map(|_| some_json(next, depth + 2)).collect();
                format!("[{}]", items.join(", "))
            }
            _ => {
                let members: Vec<String> = (0..next(if depth == 0 { 80 } else { 9 }))
                    .map(|_| format!("{}:{}", text(next), some_json(next, depth + 2)))
                    .collect();
                format!("{{{}}}", members.join(" ,"))
            }
        }
    }

    #[pg_test]
    fn jsonb_is_written_as_postgresql_writes_it() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below.max(1)
        };
        let mut written = 0;
        for _ in 0..4_000 {
            let json = some_json(&mut next, 0);
            match jsonb_writer::write(&json) {
                Some(bytes) => {
                    written += 1;
                    assert_eq!(bytes, by_postgres(&json), "{json}");
                }
                None => assert!(!json.starts_with(['[', '{']), "{json}"),
            }
        }
        assert!(written > 1_000, "{written}");
        for left in [
            "1",
            "\"x\"",
            "null",
            "[1.5]",
            "{\"a\":1e3}",
            "[18446744073709551615]",
            "[-0]",
            "[\"\\u0000\"]",
            "{",
            "[\"\\ud800\"]",
        ] {
            assert_eq!(jsonb_writer::write(left), None, "{left}");
        }
        for json in [
            "{}",
            "[]",
            "[[]]",
            "[{}]",
            "[9223372036854775807,-9223372036854775808,0]",
            "{\"a\":1,\"b\":2,\"a\":3}",
        ] {
            assert_eq!(jsonb_writer::write(json).unwrap(), by_postgres(json), "{json}");
        }
    }

    #[pg_test]
    fn the_identity_follows_the_claims() {
        let who = |claims: &str| {
            let sql = format!(
                "SELECT public.requesting_user_id() FROM (SELECT set_config('request.jwt.claims', {}, true)) s",
                pgrx::spi::quote_literal(claims)
            );
            Spi::get_one::<String>(&sql).unwrap()
        };
        assert_eq!(who(r#"{"sub":"u1"}"#).as_deref(), Some("u1"));
        assert_eq!(who(r#"{"sub":"u2"}"#).as_deref(), Some("u2"));
        assert_eq!(who(""), None);
        assert_eq!(who(r#"{"sub":"u2"}"#).as_deref(), Some("u2"));
        assert_eq!(who(r#"{"sub":"u2""#), None);
        assert_eq!(who(r#"{"sub":"ü😀"}"#).as_deref(), Some("ü😀"));
    }

    /// A folder and a line: see `plugin::made_up`.
    #[pg_test]
    fn a_plugin_is_there_once_it_is_on() {
        let answer = |path: &str| {
            let request = format!(r#"{{"method": "GET", "url": "/api/auth{path}"}}"#);
            Spi::get_one::<String>(&format!("SELECT better_auth.handler('{request}'::jsonb) ->> 'status'"))
                .unwrap()
        };
        let user = || {
            let user = sign_up("flavour@example.com", "correct horse battery").unwrap().user;
            Spi::run("DELETE FROM better_auth.\"user\" WHERE email = 'flavour@example.com'").unwrap();
            user.additional
        };
        assert_eq!(answer("/made-up/taste").as_deref(), Some("404"));
        assert_eq!(user(), None);
        Spi::run("SET better_auth.plugins = 'made-up'").unwrap();
        Spi::run("SELECT better_auth.migrate()").unwrap();
        assert_eq!(answer("/made-up/taste").as_deref(), Some("200"));
        assert_eq!(user().as_deref(), Some(r#"{"flavour":"plain"}"#));
        let tasted = "SELECT better_auth.api('tasteFlavour') #>> '{}'";
        assert_eq!(Spi::get_one::<String>(tasted).unwrap().as_deref(), Some("good"));
        Spi::run("RESET better_auth.plugins").unwrap();
        assert_eq!(answer("/made-up/taste").as_deref(), Some("404"));
        assert_eq!(user(), None);
    }
}
