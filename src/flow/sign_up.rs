//! Sign-up by email and password: Better Auth's `POST /sign-up/email`.

use crate::error::{AuthError, Code};
use crate::flow::input::{Issues, check_new_password};
use crate::flow::password;
use crate::flow::session::{self, Client};
use crate::settings;
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::User;
use crate::store::{account, user};

/// The longest email that is stored, in bytes: the index on it takes no more than 2,704.
const MAX_EMAIL: usize = 2_048;

/// What sign-up is asked for.
pub(crate) struct Request<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
    pub(crate) password: Option<&'a str>,
    pub(crate) image: Option<&'a str>,
    pub(crate) remember_me: bool,
    pub(crate) client: Client<'a>,
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
/// FAILED_TO_CREATE_USER for an email that can't be stored, and
/// USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL. The last one also for who loses a race for an email, where
/// Better Auth says FAILED_TO_CREATE_USER.
pub(crate) fn email(request: &Request<'_>) -> Result<SignedUp, AuthError> {
    let mut issues = Issues::default();
    let name = issues.required("name", request.name);
    let email = issues.email("email", request.email);
    let password = issues.not_empty("password", request.password);
    issues.bounded("name", request.name);
    issues.bounded("image", request.image);
    request.client.check(&mut issues);
    issues.finish()?;
    if !settings::email_and_password_enabled() || settings::disable_sign_up() {
        return Err(Code::EmailPasswordSignUpDisabled.into());
    }
    check_new_password(password)?;
    if email.len() > MAX_EMAIL {
        return Err(Code::FailedToCreateUser.into());
    }

    let email = email.to_lowercase();
    // Better Auth's protection against enumeration: where sign-up opens no session, its answer doesn't
    // tell that the email is taken.
    let is_discreet = settings::require_email_verification() || !settings::auto_sign_in();
    let draft = |now| User::draft(name, &email, request.image, now);
    let taken = || match is_discreet {
        true => Ok(SignedUp { session: None, user: draft(Timestamp::now())? }),
        false => Err(AuthError::from(Code::UserAlreadyExists)),
    };
    if user::email_exists(&email)? {
        if is_discreet {
            password::spend(password)?;
        }
        return taken();
    }

    // Before the first write: no row is locked while a core is busy.
    let hash = password::hash(password)?;
    let now = Timestamp::now();
    let Some(user) = user::create(&draft(now)?)? else {
        // Somebody else was faster, or a trigger or rule of the table's owner refused the row.
        return if user::email_exists(&email)? { taken() } else { Err(Code::FailedToCreateUser.into()) };
    };
    account::create_credential(&user.id, &hash, now)?;
    let session = match is_discreet {
        true => None,
        false => Some(session::open(&user.id, request.remember_me, &request.client)?),
    };
    Ok(SignedUp { session, user })
}
