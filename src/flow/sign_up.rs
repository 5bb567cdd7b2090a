//! Sign-up by email and password: Better Auth's `POST /sign-up/email`.

use serde_json::{Map, Value};

use crate::error::{AuthError, Code};
use crate::flow::fields::{self, Action};
use crate::flow::input::{Input, Issues, check_new_password};
use crate::flow::new_user::{self, Draft};
use crate::flow::session::{self, Caller};
use crate::flow::{email_verification, hash};
use crate::settings;
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::server::{Timestamp, random_lower_token, random_token};
use crate::store::session::Session;
use crate::store::subtransaction::attempt;
use crate::store::user::User;
use crate::store::{account, user};

/// The longest email that is stored, in bytes: the index on it takes no more than 2,704.
pub(crate) const MAX_EMAIL: usize = 2_048;

/// Better Auth's name for this way to sign up.
const METHOD: &str = "email-password";

/// What sign-up is asked for.
pub(crate) struct Request<'a> {
    pub(crate) name: Input<'a>,
    pub(crate) email: Input<'a>,
    pub(crate) password: Input<'a>,
    pub(crate) image: Input<'a>,
    pub(crate) callback_url: Input<'a>,
    pub(crate) remember_me: Input<'a>,
    /// Where additional fields are looked for.
    pub(crate) additional: &'a Map<String, Value>,
}

/// A new user, and the session if one was opened.
pub(crate) struct SignedUp {
    pub(crate) session: Option<Session>,
    pub(crate) user: User,
}

/// Creates a user with a credential account, and opens a session unless the settings say otherwise.
///
/// # Errors
/// VALIDATION_ERROR, EMAIL_PASSWORD_SIGN_UP_DISABLED, PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG,
/// FIELD_NOT_ALLOWED, MISSING_FIELD, FAILED_TO_CREATE_USER for what can't be stored, and
/// USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL. The last one also for who loses a race for an email, where
/// Better Auth says FAILED_TO_CREATE_USER.
pub(crate) fn email(caller: &mut dyn Caller, request: &Request<'_>) -> Result<SignedUp, AuthError> {
    let mut issues = Issues::of_body();
    let name = issues.required("name", request.name);
    let email = issues.email("email", request.email);
    let password = issues.not_empty("password", request.password);
    let image = issues.optional("image", request.image);
    let callback_url = issues.optional("callbackURL", request.callback_url);
    let remember_me = issues.optional_boolean("rememberMe", request.remember_me);
    issues.bounded("name", Some(name));
    issues.bounded("image", image);
    issues.bounded("callbackURL", callback_url);
    caller.client().check(&mut issues);
    issues.finish()?;
    caller.admit()?;
    if !settings::email_and_password_enabled() || settings::disable_sign_up() {
        return Err(Code::EMAIL_PASSWORD_SIGN_UP_DISABLED.into());
    }
    check_new_password(password)?;
    let additional = fields::parse(Table::User, request.additional, Action::Create)?;
    if email.len() > MAX_EMAIL {
        return Err(Code::FAILED_TO_CREATE_USER.into());
    }
    // Asked for before anything is written.
    let base_url = match settings::sends_verification_on_sign_up() && settings::send_verification_email() {
        true => Some(caller.base_url()?),
        false => None,
    };

    let email = email.to_lowercase();
    // Better Auth's protection against enumeration: where sign-up opens no session, its answer doesn't
    // tell that the email is taken.
    let is_discreet = settings::require_email_verification() || !settings::auto_sign_in();
    let given = fields::as_given(&additional, request.additional);
    let exists = user::is_taken(&email, None)?;
    if exists && !is_discreet {
        return Err(Code::USER_ALREADY_EXISTS.into());
    }
    // Before the first write: no row is locked while a core is busy.
    let hash = hash::hash_chosen(caller, password)?;
    let now = Timestamp::now();
    let mut draft = Draft { user: User::draft(name, &email, image, now)?, additional };
    draft.settle(caller, &given, METHOD)?;
    let Draft { user: draft, additional } = draft;
    let taken = |draft: User| {
        if let Some(base_url) = &base_url {
            email_verification::pretend_to_send(base_url, &draft.email, callback_url)?;
        }
        pretend(draft, &additional)
    };
    if exists {
        return taken(draft);
    }
    let created = match is_discreet {
        true => insert(&draft, &additional, Insert::Kept)?,
        false => user::create(&draft, &additional).map_err(not_storable)?,
    };
    let Some(user) = created else {
        // Somebody else was faster, or a trigger or rule of the table's owner refused the row.
        return match user::is_taken(&email, None)? {
            true if is_discreet => taken(draft),
            true => Err(Code::USER_ALREADY_EXISTS.into()),
            false => Err(Code::FAILED_TO_CREATE_USER.into()),
        };
    };
    account::create_credential(&user.id, &hash, now)?;
    new_user::created(caller, &user, METHOD)?;
    match &base_url {
        Some(base_url) if is_discreet => email_verification::send_quietly(base_url, &user, callback_url),
        Some(base_url) => email_verification::send(base_url, &user, callback_url)?,
        None => {}
    }
    let session = match is_discreet {
        true => None,
        false => Some(session::open(caller, &user, remember_me != Some(false))?),
    };
    Ok(SignedUp { session, user })
}

/// What becomes of a new row.
#[derive(Clone, Copy, PartialEq)]
enum Insert {
    Kept,
    Undone,
}

/// The answer to a discreet sign-up whose email is taken: what the database would have made of a new row,
/// defaults and refusals included, under the same email.
fn pretend(draft: User, additional: &[Given]) -> Result<SignedUp, AuthError> {
    for attempt in 0..=ALIKE {
        let stand_in = User { email: stand_in(&draft.email, attempt < ALIKE)?, ..draft.clone() };
        if let Some(user) = insert(&stand_in, additional, Insert::Undone)? {
            // A column may be made of the email.
            let additional = user.additional.map(|fields| fields.replace(&stand_in.email, &draft.email));
            return Ok(SignedUp { session: None, user: User { email: draft.email, additional, ..user } });
        }
    }
    Err(Code::FAILED_TO_CREATE_USER.into())
}

/// How many emails like the given one are tried: short ones may be taken too.
const ALIKE: usize = 4;

/// Another email of the same domain: of the same length and kind of characters, which constraints may ask
/// for, or one that is certainly not taken.
fn stand_in(email: &str, is_alike: bool) -> Result<String, AuthError> {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    if !is_alike {
        return Ok(format!("{}@{domain}", random_lower_token(32)?));
    }
    let random = random_token(local.len())?;
    let disguise = |(character, random): (char, u8)| match character {
        'a'..='z' => char::from(b'a' + random % 26),
        '0'..='9' => char::from(b'0' + random % 10),
        other => other,
    };
    let local: String = local.chars().zip(random.bytes()).map(disguise).collect();
    Ok(format!("{local}@{domain}"))
}

/// Inserts a row in a way that fails alike whether it is to stay or not.
fn insert(user: &User, additional: &[Given], insert: Insert) -> Result<Option<User>, AuthError> {
    match attempt(|| user::create(user, additional), |_| insert == Insert::Kept) {
        Ok(created) => created.map_err(not_storable),
        Err(exception) if exception.is_about_data() => Err(Code::FAILED_TO_CREATE_USER.into()),
        Err(exception) => exception.raise(),
    }
}

fn not_storable(error: AuthError) -> AuthError {
    match error {
        AuthError::Nul => Code::FAILED_TO_CREATE_USER.into(),
        error => error,
    }
}
