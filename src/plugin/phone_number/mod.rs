//! Better Auth's phone-number plugin: codes by SMS that prove a number, and a number to sign in with.

mod flow;
mod routes;
mod store;

use crate::api::http::Route;
use crate::error::{AuthError, codes};
use crate::flow::new_user::Draft;
use crate::flow::session::Caller;
use crate::plugin::{Column, Limit, Plugin, Rpc};
use crate::settings::RateLimit;
use crate::store::definition::{BOOLEAN, TEXT_UNIQUE};
use crate::store::fields::Given;
use crate::store::user::User;
use serde_json::{Map, Value};

/// The plugin.
pub(super) struct PhoneNumber;

/// Its settings.
mod settings {
    use crate::settings::settings;

    settings! { "phone_number_";
        length otp_length = 6,
            c"Digits of a code.",
            c"Better Auth: phoneNumber({ otpLength }).";
        seconds expires_in = 300,
            c"Lifetime of a code.",
            c"Better Auth: phoneNumber({ expiresIn }).";
        count allowed_attempts = 3,
            c"Wrong guesses that a code takes.",
            c"Better Auth: phoneNumber({ allowedAttempts }).";
        flag require_verification = false,
            c"Refuse sign-in by number and password, and password resets, until the number is verified.",
            c"Better Auth: phoneNumber({ requireVerification }).";
        text phone_number_validator = None,
            c"Regular expression that a phone number has to match.",
            c"Better Auth: phoneNumber({ phoneNumberValidator }). Anything unless it is set.";
        flag send_otp = true,
            c"Send codes that prove a phone number.",
            c"Better Auth: phoneNumber({ sendOTP }). When off: SEND_OTP_NOT_IMPLEMENTED.";
        flag send_password_reset_otp = true,
            c"Send codes that set a forgotten password.",
            c"Better Auth: phoneNumber({ sendPasswordResetOTP }).";
        flag sign_up_on_verification = false,
            c"Create a user for a number that is proven and nobody's.",
            c"Better Auth: phoneNumber({ signUpOnVerification }).";
        text temp_email = Some(c"{random}@phone-number.placeholder.invalid"),
            c"Email of such a user, with {phoneNumber}, {digits} or {random} in it.",
            c"Better Auth: phoneNumber({ signUpOnVerification: { getTempEmail } }).";
        text temp_name = None,
            c"Name of such a user, with {phoneNumber} or {digits} in it.",
            c"Better Auth: phoneNumber({ signUpOnVerification: { getTempName } }). The number unless it is set.";
        text verification_function = None,
            c"Function that is called when a number was verified.",
            c"Better Auth: phoneNumber({ callbackOnVerification }).";
    }
}

codes! {
    INVALID_OTP 400 ERRCODE_INVALID_PASSWORD
        "Invalid OTP"
    INVALID_PHONE_NUMBER 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Invalid phone number"
    INVALID_PHONE_NUMBER_OR_PASSWORD 401 ERRCODE_INVALID_PASSWORD
        "Invalid phone number or password"
    OTP_EXPIRED 400 ERRCODE_INVALID_PASSWORD
        "OTP expired"
    OTP_NOT_FOUND 400 ERRCODE_INVALID_PASSWORD
        "OTP not found"
    PHONE_NUMBER_CANNOT_BE_SET 400 ERRCODE_INSUFFICIENT_PRIVILEGE
        "Phone number can only be set by verifying it"
    PHONE_NUMBER_CANNOT_BE_UPDATED 400 ERRCODE_INSUFFICIENT_PRIVILEGE
        "Phone number cannot be updated"
    PHONE_NUMBER_EXIST 400 ERRCODE_UNIQUE_VIOLATION
        "Phone number already exists"
    PHONE_NUMBER_NOT_VERIFIED 401 ERRCODE_INSUFFICIENT_PRIVILEGE
        "Phone number not verified"
    PHONE_NUMBER_PENDING_VERIFICATION 400 ERRCODE_INSUFFICIENT_PRIVILEGE
        "Phone number requires account ownership proof"
    SEND_OTP_NOT_IMPLEMENTED 501 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "sendOTP not implemented"
    TOO_MANY_ATTEMPTS 403 ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
        "Too many attempts"
    UNEXPECTED_ERROR 400 ERRCODE_INVALID_PARAMETER_VALUE
        "Unexpected error"
}

impl Plugin for PhoneNumber {
    fn id(&self) -> &'static str {
        "phone-number"
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column { is_input: true, ..Column::user(flow::NUMBER, TEXT_UNIQUE) },
            Column::user(flow::VERIFIED, BOOLEAN),
        ];
        COLUMNS
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn limits(&self) -> Vec<Limit> {
        let limit = RateLimit { window: 60, max: 10 };
        vec![Limit { matches: |path| path.starts_with("/phone-number"), limit }]
    }

    fn rpc(&self) -> &'static [Rpc] {
        routes::RPC
    }

    fn before(&self, caller: &mut dyn Caller, body: &mut Map<String, Value>) -> Result<(), AuthError> {
        flow::before(caller, body)
    }

    fn before_user(&self, caller: &dyn Caller, draft: &mut Draft) -> Result<(), AuthError> {
        flow::before_user(caller, draft)
    }

    fn unproven(&self, user: &User, given: &mut Vec<Given>) -> Result<(), AuthError> {
        flow::unproven(user, given)
    }

    fn before_user_update(
        &self,
        caller: &dyn Caller,
        _: &User,
        given: &mut Vec<Given>,
    ) -> Result<(), AuthError> {
        flow::before_user_update(caller, given)
    }
}
