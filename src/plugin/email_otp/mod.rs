//! Better Auth's plugin email-otp: codes by mail that sign in, verify an email, reset a password and change an email.

mod flow;
mod routes;
mod rpc;

use pgrx::PostgresGucEnum;

use crate::api::http::{Answer, Context, Route};
use crate::error::{AuthError, codes};
use crate::flow::session::Caller;
use crate::plugin::{Limit, Plugin, Rpc};
use crate::settings::RateLimit;
use crate::store::user::User;

/// What becomes of a code that is still good when another one is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum ResendStrategy {
    #[name = c"rotate"]
    Rotate,
    #[name = c"reuse"]
    Reuse,
}

mod settings {
    use super::ResendStrategy;
    use crate::plugin::stored::StoreOtp;

    crate::settings::settings! {
        "email_otp_";
        length otp_length = 6,
            c"How many digits a code has.",
            c"Better Auth: emailOTP.otpLength.";
        seconds expires_in = 300,
            c"How long a code is good.",
            c"Better Auth: emailOTP.expiresIn.";
        count allowed_attempts = 3,
            c"How many wrong guesses a code stands.",
            c"Better Auth: emailOTP.allowedAttempts.";
        choice(StoreOtp) store_otp = StoreOtp::Plain,
            c"How codes are stored: plain, hashed, or encrypted under the cookie secret.",
            c"Better Auth: emailOTP.storeOTP.";
        choice(ResendStrategy) resend_strategy = ResendStrategy::Rotate,
            c"Whether who asks again gets a new code (rotate), or the same one for longer (reuse).",
            c"Codes that are hashed can't be sent again. Better Auth: emailOTP.resendStrategy.";
        flag disable_sign_up = false,
            c"Whether a code only signs in those who have signed up.",
            c"Better Auth: emailOTP.disableSignUp.";
        flag send_verification_on_sign_up = false,
            c"Whether who signs up is sent a code that verifies the email.",
            c"Better Auth: emailOTP.sendVerificationOnSignUp.";
        flag override_default_email_verification = false,
            c"Whether emails are verified by a code in place of a link.",
            c"Better Auth: emailOTP.overrideDefaultEmailVerification.";
        flag change_email_enabled = false,
            c"Whether users may change their email by a code.",
            c"Better Auth: emailOTP.changeEmail.enabled.";
        flag change_email_verify_current_email = false,
            c"Whether that takes a code that was sent to the current email, too.",
            c"Better Auth: emailOTP.changeEmail.verifyCurrentEmail.";
        seconds rate_limit_window = 60,
            c"The window of the rate limit of the plugin's routes.",
            c"Better Auth: emailOTP.rateLimit.window.";
        count rate_limit_max = 3,
            c"How many requests to each of the plugin's routes a client may make in that window.",
            c"Better Auth: emailOTP.rateLimit.max.";
    }
}

codes! {
    CHANGE_EMAIL_IS_DISABLED as "" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE "Change email with OTP is disabled"
    EMAIL_IN_USE as "" 400 ERRCODE_UNIQUE_VIOLATION "Email already in use"
    INVALID_OTP 400 ERRCODE_INVALID_PASSWORD "Invalid OTP"
    INVALID_TYPE as "" 400 ERRCODE_INVALID_PARAMETER_VALUE "Invalid OTP type"
    OTP_EXPIRED 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION "OTP expired"
    OTP_IS_HASHED as "" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE "OTP is hashed, cannot return the plain text OTP"
    OTP_REQUIRED as "" 400 ERRCODE_INVALID_PARAMETER_VALUE "OTP is required to verify current email"
    TOO_MANY_ATTEMPTS 403 ERRCODE_CONFIGURATION_LIMIT_EXCEEDED "Too many attempts"
}

/// The plugin.
pub(super) struct EmailOtp;

impl Plugin for EmailOtp {
    fn id(&self) -> &'static str {
        "email-otp"
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn limits(&self) -> Vec<Limit> {
        let limit =
            RateLimit { window: settings::rate_limit_window(), max: settings::rate_limit_max().into() };
        let matches = |path: &str| !path.is_empty() && routes::ROUTES.iter().any(|route| route.path == path);
        vec![Limit { matches, limit }]
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }

    fn send_verification(&self, user: &User) -> Result<bool, AuthError> {
        if !settings::override_default_email_verification() {
            return Ok(false);
        }
        flow::send(&user.email.to_lowercase(), flow::Type::EmailVerification)?;
        Ok(true)
    }

    fn pretend_verification(&self, email: &str) -> Result<bool, AuthError> {
        let overrides = settings::override_default_email_verification();
        if overrides {
            flow::pretend_to_send(&email.to_lowercase(), flow::Type::EmailVerification)?;
        }
        Ok(overrides)
    }

    fn after(&self, context: &mut Context<'_>, answer: &mut Answer) -> Result<(), AuthError> {
        let sends =
            settings::send_verification_on_sign_up() && !settings::override_default_email_verification();
        if !sends || !context.endpoint().starts_with("/sign-up") {
            return Ok(());
        }
        match answer {
            Ok(response) if response.status == 200 => flow::send_to_new_user(&response.body),
            _ => Ok(()),
        }
    }
}
