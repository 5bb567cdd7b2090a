//! Better Auth's two-factor plugin: codes of an authenticator app, codes by mail or SMS, and backup codes, which a
//! sign-in by password asks for; browsers that are trusted; and how many guesses there are.
//!
//! Whether the plugin is on or not, a user who has a second factor doesn't get in by a password alone.

mod flow;
mod routes;
mod rpc;
mod store;

use pgrx::PostgresGucEnum;

use crate::api::http::Route;
use crate::error::{AuthError, codes};
use crate::flow::session::Caller;
use crate::plugin::{Bar, Column, Limit, Plugin, Proof, Rpc, Sealed, SecondFactor, is_on};
use crate::settings::RateLimit;
use crate::store::catalog::Table;
use crate::store::columns::is_true;
use crate::store::definition::{BOOLEAN, Definition};
use crate::store::fields::Given;
use crate::store::user::User;

pub(super) use self::store::TWO_FACTORS;

/// Better Auth's id of the plugin.
const ID: &str = "two-factor";

/// The column of `user`.
const ENABLED: &str = "twoFactorEnabled";

/// How backup codes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum StoreBackupCodes {
    #[name = c"plain"]
    Plain,
    #[name = c"encrypted"]
    Encrypted,
}

/// Which way codes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum SendOtp {
    #[name = c"off"]
    Off,
    #[name = c"mail"]
    Mail,
    #[name = c"sms"]
    Sms,
}

/// An option that a part of the plugin has for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum OfItsOwn {
    #[name = c"inherit"]
    Inherit,
    #[name = c"on"]
    On,
    #[name = c"off"]
    Off,
}

mod settings {
    use super::{OfItsOwn, SendOtp, StoreBackupCodes};
    use crate::plugin::stored::StoreOtp;

    crate::settings::settings! {
        "two_factor_";
        text app_name = Some(c"Better Auth"),
            c"What authenticator apps show where no issuer is set.",
            c"Better Auth: appName.";
        text issuer = None,
            c"What authenticator apps show to who sets one up: app_name unless it is set.",
            c"Better Auth: twoFactor.issuer.";
        flag skip_verification_on_enable = false,
            c"Whether the second factor counts at once, before an authenticator app has shown that it has the secret.",
            c"Better Auth: twoFactor.skipVerificationOnEnable.";
        flag allow_passwordless = false,
            c"Whether users without a password may enable and disable the second factor.",
            c"Better Auth: twoFactor.allowPasswordless.";
        seconds cookie_max_age = 600,
            c"How long there is for the second factor once the password was right.",
            c"Better Auth: twoFactor.twoFactorCookieMaxAge.";
        seconds trust_device_max_age = 2_592_000,
            c"How long a browser is trusted since its last sign-in.",
            c"Better Auth: twoFactor.trustDeviceMaxAge.";
        flag account_lockout = true,
            c"Whether wrong codes in a row lock the second factor of an account.",
            c"Better Auth: twoFactor.accountLockout.enabled.";
        count account_lockout_max_failed_attempts = 10,
            c"How many wrong codes in a row do.",
            c"Better Auth: twoFactor.accountLockout.maxFailedAttempts.";
        seconds account_lockout_duration = 900,
            c"For how long.",
            c"Better Auth: twoFactor.accountLockout.durationSeconds.";
        flag totp_disable = false,
            c"Whether there are no authenticator apps.",
            c"Better Auth: twoFactor.totpOptions.disable.";
        text totp_issuer = None,
            c"What get-totp-uri has for issuer: app_name unless it is set.",
            c"Better Auth: twoFactor.totpOptions.issuer.";
        digits totp_digits = 6,
            c"How many digits a code of an authenticator app has.",
            c"Better Auth: twoFactor.totpOptions.digits.";
        seconds totp_period = 30,
            c"How long such a code stands.",
            c"Better Auth: twoFactor.totpOptions.period.";
        choice(OfItsOwn) totp_allow_passwordless = OfItsOwn::Inherit,
            c"Whether users without a password get their TOTP URI; inherit: as allow_passwordless says.",
            c"Better Auth: twoFactor.totpOptions.allowPasswordless.";
        choice(SendOtp) send_otp = SendOtp::Off,
            c"Whether codes go by mail or SMS (to the number of the phone-number plugin, once it is verified).",
            c"Better Auth: twoFactor.otpOptions.sendOTP.";
        length otp_digits = 6,
            c"How many digits a code by mail or SMS has.",
            c"Better Auth: twoFactor.otpOptions.digits.";
        seconds otp_period = 180,
            c"How long such a code is good.",
            c"Better Auth: twoFactor.otpOptions.period, in minutes there.";
        count otp_allowed_attempts = 5,
            c"How many wrong guesses such a code stands.",
            c"Better Auth: twoFactor.otpOptions.allowedAttempts.";
        choice(StoreOtp) store_otp = StoreOtp::Plain,
            c"How such codes are stored: plain, hashed, or encrypted under the cookie secret.",
            c"Better Auth: twoFactor.otpOptions.storeOTP.";
        key_length backup_code_amount = 10,
            c"How many backup codes a user has.",
            c"Better Auth: twoFactor.backupCodeOptions.amount.";
        key_length backup_code_length = 10,
            c"How many letters and digits a backup code has.",
            c"Better Auth: twoFactor.backupCodeOptions.length.";
        choice(StoreBackupCodes) store_backup_codes = StoreBackupCodes::Encrypted,
            c"How backup codes are stored: plain, or encrypted under the cookie secret.",
            c"Better Auth: twoFactor.backupCodeOptions.storeBackupCodes.";
        choice(OfItsOwn) backup_code_allow_passwordless = OfItsOwn::Inherit,
            c"Whether users without a password get new backup codes; inherit: as allow_passwordless says.",
            c"Better Auth: twoFactor.backupCodeOptions.allowPasswordless.";
    }
}

codes! {
    ACCOUNT_TEMPORARILY_LOCKED 429 ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
        "Too many failed verification attempts. Your account is temporarily locked. Please try again later."
    BACKUP_CODES_NOT_ENABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Backup codes aren't enabled"
    FAILED_TO_CREATE_SESSION 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Failed to create session"
    INVALID_BACKUP_CODE 401 ERRCODE_INVALID_PASSWORD
        "Invalid backup code"
    INVALID_CODE 401 ERRCODE_INVALID_PASSWORD
        "Invalid code"
    INVALID_TWO_FACTOR_COOKIE 401 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
        "Invalid two factor cookie"
    OTP_HAS_EXPIRED 400 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
        "OTP has expired"
    OTP_IS_NOT_CONFIGURED as "OTP_NOT_CONFIGURED" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "otp isn't configured"
    OTP_NOT_CONFIGURED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "OTP is not available"
    OTP_NOT_ENABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "OTP not enabled"
    TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE 400 ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
        "Too many attempts. Please request a new code."
    TOTP_ALREADY_ENABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "TOTP is already enabled"
    TOTP_IS_NOT_CONFIGURED as "TOTP_NOT_CONFIGURED" 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "totp isn't configured"
    TOTP_NOT_CONFIGURED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "TOTP is not available"
    TOTP_NOT_ENABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "TOTP not enabled"
    TWO_FACTOR_NOT_ENABLED 400 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
        "Two factor isn't enabled"
}

/// The plugin.
pub(super) struct TwoFactor;

impl Plugin for TwoFactor {
    fn id(&self) -> &'static str {
        ID
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[Column { default: Some("false"), ..Column::user(ENABLED, BOOLEAN) }];
        COLUMNS
    }

    fn tables(&self) -> &'static [&'static Definition] {
        &[&TWO_FACTORS]
    }

    fn bars(&self) -> &'static [Bar] {
        const BARS: &[Bar] = &[Bar {
            is_down: |row| is_true(Table::User, row, ENABLED),
            of: Some(Proof::Password),
            is_asked: || is_on(ID),
            refusal: || {
                AuthError::Unsupported(
                    "the user has two-factor authentication enabled, and the plugin two-factor is off",
                )
            },
        }];
        BARS
    }

    fn sealed(&self) -> &'static [Sealed] {
        const SEALED: &[Sealed] = &[
            Sealed { table: store::TABLE, field: "secret", is_json: false },
            Sealed { table: store::TABLE, field: "backupCodes", is_json: false },
        ];
        SEALED
    }

    fn second_factor(&self, caller: &dyn Caller, user: &User) -> Result<Option<SecondFactor>, AuthError> {
        flow::challenge::of(caller, user).map(Some)
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn limits(&self) -> Vec<Limit> {
        let limit = RateLimit { window: 10, max: 3 };
        vec![Limit { matches: |path| path.starts_with("/two-factor/"), limit }]
    }

    fn rpc(&self) -> &'static [Rpc] {
        rpc::FUNCTIONS
    }

    fn sessions_end(&self, user_id: &str) -> Result<(), AuthError> {
        flow::challenge::void(user_id)
    }

    fn password_changed(&self, user_id: &str) -> Result<(), AuthError> {
        flow::challenge::void(user_id)
    }

    fn unproven(&self, user: &User, given: &mut Vec<Given>) -> Result<(), AuthError> {
        flow::enabling::unproven(user, given)
    }
}
