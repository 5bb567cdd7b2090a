//! Who proves a second factor, by a session or after a password, and how often that may go wrong: Better Auth's
//! `verifyTwoFactor`.

pub(super) mod backup_codes;
pub(super) mod challenge;
pub(super) mod enabling;
pub(super) mod otp;
pub(super) mod totp;

use super::store::{self, TwoFactor};
use super::{
    ACCOUNT_TEMPORARILY_LOCKED, ENABLED, INVALID_TWO_FACTOR_COOKIE, OfItsOwn, SendOtp,
    TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, settings,
};
use crate::error::{AuthError, Code};
use crate::flow::guess::{self, Guess};
use crate::flow::input::js_number;
use crate::flow::password::is_password_of;
use crate::flow::session::{self, Caller, Live};
use crate::plugin::Cookie;
use crate::store::account;
use crate::store::catalog::Table;
use crate::store::fields::Given;
use crate::store::server::Timestamp;
use crate::store::user::{self, Changes, User};
use crate::store::verification::{self, Verification};

/// How many wrong codes of an app, or backup codes, a challenge stands: fixed in Better Auth.
const ALLOWED: i32 = 5;

/// The cookie of a session that ends with the browser.
const DONT_REMEMBER: &str = "dont_remember";

/// Who proves a second factor. The user is locked from here to the end of the transaction: of all codes of one user
/// that come at once, one is looked at after the other.
enum Prover {
    /// Who has a session already.
    Session(Live),
    /// Who has proven a password.
    SignIn { identifier: String, user: User },
}

impl Prover {
    /// The caller: a session counts before a challenge, and none out of the cookie cache.
    ///
    /// # Errors
    /// INVALID_TWO_FACTOR_COOKIE.
    fn find(caller: &mut dyn Caller) -> Result<Self, AuthError> {
        if let Some(live) = caller.session(true)?
            && let Some(user) = session::hold(&live)?
        {
            // What the answer says of the user is what the session has said, but what is decided is by the row.
            let enabled = user.is(ENABLED);
            if enabled == live.user.is(ENABLED) {
                return Ok(Self::Session(live));
            }
            return Ok(Self::Session(Live { session: live.session, user }));
        }
        let invalid = || AuthError::from(INVALID_TWO_FACTOR_COOKIE);
        let identifier = caller.cookie(challenge::CHALLENGE)?.ok_or_else(invalid)?;
        // Other cookies are signed in the same way.
        if !identifier.starts_with(challenge::PREFIX) {
            return Err(invalid());
        }
        let found = verification::find(&identifier)?.ok_or_else(invalid)?;
        if found.expires_at < Timestamp::now() {
            return Err(invalid());
        }
        let user = user::lock(&found.value)?.ok_or_else(invalid)?;
        Ok(Self::SignIn { identifier, user })
    }

    fn user(&self) -> &User {
        match self {
            Self::Session(live) => &live.user,
            Self::SignIn { user, .. } => user,
        }
    }

    const fn is_sign_in(&self) -> bool {
        matches!(self, Self::SignIn { .. })
    }

    /// What codes that are sent are kept under.
    fn key(&self) -> String {
        match self {
            Self::Session(live) => format!("{}!{}", live.user.id, live.session.id),
            Self::SignIn { identifier, .. } => identifier.clone(),
        }
    }

    /// Counts a guess at a code that is about to be looked at: Better Auth's `beginAttempt`. Who has a session guesses
    /// at nothing that it wouldn't get otherwise.
    ///
    /// # Errors
    /// INVALID_TWO_FACTOR_COOKIE, TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, ACCOUNT_TEMPORARILY_LOCKED.
    fn begin(&self, caller: &mut dyn Caller) -> Result<Option<Attempt>, AuthError> {
        let Self::SignIn { identifier, user, .. } = self else { return Ok(None) };
        let attempts = format!("{}{identifier}", challenge::ATTEMPTS);
        let taken = verification::consume(&attempts, Timestamp::now())?.ok_or(INVALID_TWO_FACTOR_COOKIE)?;
        // What is no count is as good as all of them.
        let count =
            (0..ALLOWED).find(|count| js_number(&taken.value) == f64::from(*count)).unwrap_or(ALLOWED);
        let count = i64::from(count);
        let attempt =
            Attempt { user_id: user.id.clone(), challenge: identifier.clone(), attempts, taken, count };
        let guess = if count >= i64::from(ALLOWED) { Guess::Spent } else { attempt.guessed().guess() };
        match guess {
            Guess::Counted => Ok(Some(attempt)),
            Guess::Spent => {
                verification::delete(identifier)?;
                caller.expire_cookie(challenge::CHALLENGE);
                Err(TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE.into())
            }
            Guess::Resting => {
                attempt.put_back(count)?;
                Err(ACCOUNT_TEMPORARILY_LOCKED.into())
            }
        }
    }

    /// What is answered to who has proven it: the session that there is, or one that is opened now.
    ///
    /// # Errors
    /// INVALID_TWO_FACTOR_COOKIE where the challenge was met by somebody else, and those of opening a session.
    fn finish(self, caller: &mut dyn Caller, trusts_device: bool) -> Result<Proven, AuthError> {
        let (identifier, user) = match self {
            Self::Session(Live { session, user }) => {
                return Ok(Proven { token: Some(session.token), user, live: None, cookies: Vec::new() });
            }
            Self::SignIn { identifier, user, .. } => (identifier, user),
        };
        let consumed = verification::consume(&identifier, Timestamp::now())?;
        if consumed.is_none_or(|consumed| consumed.value != user.id) {
            caller.expire_cookie(challenge::CHALLENGE);
            return Err(INVALID_TWO_FACTOR_COOKIE.into());
        }
        let is_remembered = caller.cookie(DONT_REMEMBER)?.is_none();
        let session = session::open(caller, &user, is_remembered)?;
        let mut cookies = vec![Cookie { last: challenge::CHALLENGE, value: None }];
        if trusts_device {
            cookies.push(challenge::trust(&user)?);
            cookies.push(Cookie { last: DONT_REMEMBER, value: None });
        }
        let live = Live { session, user: user.clone() };
        Ok(Proven { token: Some(live.session.token.clone()), user, live: Some(live), cookies })
    }
}

/// Who has proven a second factor.
pub(super) struct Proven {
    /// As the answer has it.
    pub(super) token: Option<String>,
    /// As the answer has it.
    pub(super) user: User,
    /// The session whose cookie is to be set.
    pub(super) live: Option<Live>,
    /// Cookies besides.
    pub(super) cookies: Vec<Cookie>,
}

/// A guess at a code of a sign-in, which counts until it is over.
struct Attempt {
    user_id: String,
    challenge: String,
    attempts: String,
    taken: Verification,
    count: i64,
}

impl Attempt {
    fn guessed_key(user_id: &str) -> String {
        format!("2fa|{user_id}")
    }

    /// The same in memory, where no rollback takes it back: of the challenge, and of all of the user's.
    fn guessed(&self) -> Guessed {
        Guessed {
            identifier: Self::guessed_key(&self.user_id),
            stored: self.challenge.clone(),
            allowed: ALLOWED.into(),
            lifetime: settings::cookie_max_age(),
        }
    }

    fn put_back(&self, count: i64) -> Result<(), AuthError> {
        verification::put_back(&self.attempts, &self.taken, &count.to_string())
    }

    /// It was wrong.
    fn failed(&self) -> Result<(), AuthError> {
        self.put_back(self.count + 1)
    }

    /// It was right.
    fn succeeded(&self) {
        self.guessed().give_back();
    }
}

/// Counts of guesses in memory.
struct Guessed {
    identifier: String,
    stored: String,
    allowed: i64,
    lifetime: i64,
}

impl Guessed {
    fn code(&self) -> guess::Code<'_> {
        guess::Code {
            identifier: &self.identifier,
            stored: &self.stored,
            allowed: self.allowed,
            lifetime: self.lifetime,
        }
    }

    fn guess(&self) -> Guess {
        self.code().guess()
    }

    fn give_back(&self) {
        self.code().give_back();
    }
}

/// # Errors
/// ACCOUNT_TEMPORARILY_LOCKED. A lock that has run out is taken away.
fn check_not_locked(two_factor: &TwoFactor) -> Result<(), AuthError> {
    let Some(until) = two_factor.locked_until.filter(|_| settings::account_lockout()) else { return Ok(()) };
    if until > Timestamp::now() {
        return Err(ACCOUNT_TEMPORARILY_LOCKED.into());
    }
    store::reset(&two_factor.id)
}

/// Counts a wrong code of a sign-in towards the lock of the account.
fn note_failure(two_factor: &TwoFactor) -> Result<(), AuthError> {
    if !settings::account_lockout() {
        return Ok(());
    }
    let until = Timestamp::now().plus(settings::account_lockout_duration());
    store::fail(&two_factor.id, settings::account_lockout_max_failed_attempts().into(), until)
}

/// Forgets wrong codes once one of a sign-in was right.
fn note_success(two_factor: &TwoFactor) -> Result<(), AuthError> {
    if settings::account_lockout() { store::reset(&two_factor.id) } else { Ok(()) }
}

/// Has the second factor count, or not, for a user who is locked.
fn set_enabled(user_id: &str, is_enabled: bool) -> Result<User, AuthError> {
    let given = [Given::of(Table::User, ENABLED, Some(if is_enabled { "true" } else { "false" }))?];
    let changes = Changes { additional: &given, ..Changes::default() };
    user::update(user_id, &changes, Timestamp::now())?.ok_or_else(|| Code::UNAUTHORIZED.into())
}

/// Whether codes can be sent to a user.
fn has_otp(user: &User) -> bool {
    match settings::send_otp() {
        SendOtp::Off => false,
        SendOtp::Mail => true,
        SendOtp::Sms => phone_of(user).is_some(),
    }
}

/// The verified number of a user of the phone-number plugin.
fn phone_of(user: &User) -> Option<String> {
    user.text_field("phoneNumber").filter(|_| user.is("phoneNumberVerified"))
}

/// Checks the password of who has a session.
///
/// # Errors
/// INVALID_PASSWORD, PASSWORD_TOO_LONG.
fn check_password(user_id: &str, password: Option<&str>, own: OfItsOwn) -> Result<(), AuthError> {
    let may_lack_one = match own {
        OfItsOwn::Inherit => settings::allow_passwordless(),
        own => own == OfItsOwn::On,
    };
    if may_lack_one {
        let credential = account::credential_of(user_id)?;
        let stored = credential.and_then(|credential| credential.password);
        if stored.is_none_or(|stored| stored.is_empty()) {
            return Ok(());
        }
    }
    match password.filter(|password| !password.is_empty()) {
        Some(password) if is_password_of(user_id, password)? => Ok(()),
        _ => Err(Code::INVALID_PASSWORD.into()),
    }
}
