//! Better Auth's plugin have-i-been-pwned: passwords that are known from breaches aren't taken. The service is told the
//! first five digits of a password's SHA-1 alone, and answers with all that begin so.

mod range;

use crate::crypto::digest::sha1_hex_upper;
use crate::error::{AuthError, codes};
use crate::flow::fetch::{Fetch, Fetched};
use crate::flow::session::Caller;
use crate::plugin::Plugin;
use crate::settings::parts;

/// How many digits the service is told.
const PREFIX: usize = 5;
/// The longest answer, in bytes: of some two billion passwords a prefix has two thousand, of forty bytes each, and they
/// get more.
const MAX_ANSWER: usize = 256 * 1024;

mod settings {
    crate::settings::settings! {
        "have_i_been_pwned_";
        flag enabled = true,
            c"Whether passwords are looked up.",
            c"Better Auth: haveIBeenPwned({ enabled }).";
        text paths = Some(c"/sign-up/email,/change-password,/reset-password,/email-otp/reset-password,/phone-number/reset-password,/admin/create-user,/admin/set-user-password"),
            c"Paths where passwords are looked up that somebody chooses, without the base path, separated by commas.",
            c"Better Auth: haveIBeenPwned({ paths }).";
        text custom_password_compromised_message = None,
            c"What somebody is told whose password is known.",
            c"Better Auth: haveIBeenPwned({ customPasswordCompromisedMessage }).";
    }
}

codes! {
    PASSWORD_COMPROMISED 400 ERRCODE_INVALID_PASSWORD
        "The password you entered has been compromised. Please choose a different password."
    FAILED_TO_CHECK as "" 500 ERRCODE_CONNECTION_EXCEPTION
        "Failed to check password. Please try again later."
}

/// The plugin.
pub(super) struct HaveIBeenPwned;

impl Plugin for HaveIBeenPwned {
    fn id(&self) -> &'static str {
        "have-i-been-pwned"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn before_hash(&self, caller: &mut dyn Caller, password: &str) -> Result<(), AuthError> {
        let paths = settings::paths().unwrap_or_default();
        if !settings::enabled() || !parts(&paths).any(|path| path == caller.endpoint()) {
            return Ok(());
        }
        let hash = sha1_hex_upper(password);
        let (prefix, suffix) = hash.split_at(PREFIX);
        let fetch = Fetch {
            max_body: MAX_ANSWER,
            ..Fetch::get(format!("https://api.pwnedpasswords.com/range/{prefix}"))
                .with("add-padding", "true".into())
                .with("user-agent", "BetterAuth Password Checker".into())
        };
        let fetched = caller.fetch(fetch)?;
        let known = match &fetched {
            Fetched::Answer { status: 200..300, body } => {
                range::count(body, suffix).ok_or(FAILED_TO_CHECK)?
            }
            Fetched::Answer { status, .. } => {
                return Err(AuthError::Worded(
                    FAILED_TO_CHECK,
                    format!("Failed to check password. Status: {status}"),
                ));
            }
            Fetched::Failed => return Err(FAILED_TO_CHECK.into()),
        };
        match (known, settings::custom_password_compromised_message()) {
            (0, _) => Ok(()),
            (_, Some(message)) => Err(AuthError::Worded(PASSWORD_COMPROMISED, message)),
            (_, None) => Err(PASSWORD_COMPROMISED.into()),
        }
    }
}
