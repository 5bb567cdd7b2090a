//! Every setting of the extension, once: name, context, default and meaning. The names and defaults
//! are those of Better Auth's options, in snake_case.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PgSqlErrorCode, PostgresGucEnum, pg_sys};
use std::ffi::{CStr, CString, c_void};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::crypto::password::Algorithm;

/// The longest duration that a setting may hold: ten years, in seconds.
const LONGEST: i32 = 10 * 366 * 86_400;

/// The values of `better_auth.password_hash`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
enum PasswordHash {
    #[name = c"argon2id"]
    Argon2id,
    #[name = c"scrypt"]
    Scrypt,
}

macro_rules! settings {
    ($($kind:ident $name:ident $static:ident $default:expr, $context:ident, $flags:expr, $short:literal, $long:literal)*) => {
        $(static $static: GucSetting<settings!(@type $kind)> = GucSetting::<settings!(@type $kind)>::new($default);)*

        /// Defines all settings; whether every value that was given for one before took effect.
        fn define() -> bool {
            let mut all = true;
            $(
                let was_given = is_given(settings!(@name $name));
                ACCEPTED.store(false, Ordering::Relaxed);
                // SAFETY: the hook is a plain function that raises nothing.
                unsafe { settings!(@define $kind $name $static $context $flags, $short, $long) };
                all &= !was_given || ACCEPTED.load(Ordering::Relaxed);
            )*
            all
        }
    };
    (@type flag) => { bool };
    (@type seconds) => { i32 };
    (@type length) => { i32 };
    (@type text) => { Option<CString> };
    (@type hash) => { PasswordHash };
    (@name $name:ident) => {
        match CStr::from_bytes_with_nul(concat!("better_auth.", stringify!($name), "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => unreachable!(),
        }
    };
    (@define flag $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_bool_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted), None, None)
    };
    (@define seconds $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_int_guc_with_hooks(settings!(@name $name), $short, $long, &$static, 0, LONGEST, GucContext::$context, $flags | GucFlags::UNIT_S, Some(accepted), None, None)
    };
    (@define length $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_int_guc_with_hooks(settings!(@name $name), $short, $long, &$static, 1, 4096, GucContext::$context, $flags, Some(accepted), None, None)
    };
    (@define text $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted), None, None)
    };
    (@define hash $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_enum_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted), None, None)
    };
}

settings! {
    flag email_and_password_enabled EMAIL_AND_PASSWORD_ENABLED true, Suset, GucFlags::empty(),
        c"Allow sign-up and sign-in by email and password.",
        c"Better Auth: emailAndPassword.enabled, which is off there until it is configured."
    flag disable_sign_up DISABLE_SIGN_UP false, Suset, GucFlags::empty(),
        c"Refuse new users; those who exist still sign in.",
        c"Better Auth: emailAndPassword.disableSignUp."
    flag auto_sign_in AUTO_SIGN_IN true, Suset, GucFlags::empty(),
        c"Open a session at sign-up.",
        c"Better Auth: emailAndPassword.autoSignIn. When off, sign-up does not tell whether an email is taken."
    flag require_email_verification REQUIRE_EMAIL_VERIFICATION false, Suset, GucFlags::empty(),
        c"Refuse sign-in until the email is verified.",
        c"Better Auth: emailAndPassword.requireEmailVerification. When on, sign-up opens no session and does not tell whether an email is taken."
    length min_password_length MIN_PASSWORD_LENGTH 8, Suset, GucFlags::empty(),
        c"Shortest password, in UTF-16 code units.",
        c"Better Auth: emailAndPassword.minPasswordLength."
    length max_password_length MAX_PASSWORD_LENGTH 128, Suset, GucFlags::empty(),
        c"Longest password, in UTF-16 code units.",
        c"Better Auth: emailAndPassword.maxPasswordLength."
    hash password_hash PASSWORD_HASH PasswordHash::Argon2id, Suset, GucFlags::empty(),
        c"How new password hashes are made: argon2id, or scrypt in Better Auth's form.",
        c"Use scrypt while a Better Auth server signs users in from the same tables. Every form is verified."
    seconds session_expires_in SESSION_EXPIRES_IN 604_800, Suset, GucFlags::empty(),
        c"Lifetime of a session.",
        c"Better Auth: session.expiresIn."
    seconds session_update_age SESSION_UPDATE_AGE 86_400, Suset, GucFlags::empty(),
        c"Age from which using a session prolongs it.",
        c"Better Auth: session.updateAge. 0 prolongs it on every use."
    seconds session_fresh_age SESSION_FRESH_AGE 86_400, Suset, GucFlags::empty(),
        c"Time after sign-in in which sensitive operations need no new sign-in; 0 turns the check off.",
        c"Better Auth: session.freshAge, counted from the session's createdAt."
    flag disable_session_refresh DISABLE_SESSION_REFRESH false, Suset, GucFlags::empty(),
        c"Never prolong a session.",
        c"Better Auth: session.disableSessionRefresh."
    seconds jwt_expires_in JWT_EXPIRES_IN 3_600, Suset, GucFlags::empty(),
        c"Lifetime of bridge tokens, and of tokens signed without a lifetime of their own.",
        c"A bridge token never outlives its session."
    text jwt_audience JWT_AUDIENCE Some(c"insforge-api"), Suset, GucFlags::empty(),
        c"The aud claim of tokens, demanded when one is verified; empty for none.",
        c"The same value as PostgREST's jwt-aud, if that is set."
    text jwt_role JWT_ROLE Some(c"authenticated"), Suset, GucFlags::empty(),
        c"The role claim of bridge tokens: the role that PostgREST switches to.",
        c""
    text cookie_secret_file COOKIE_SECRET_FILE None, Sighup, GucFlags::SUPERUSER_ONLY,
        c"File that holds the cookie secret, read by the server's operating system user.",
        c"Comes before the secret in better_auth.signing_secret. Read again after pg_reload_conf()."
    text jwt_secret_file JWT_SECRET_FILE None, Sighup, GucFlags::SUPERUSER_ONLY,
        c"File that holds the jwt secret, read by the server's operating system user.",
        c"Comes before the secret in better_auth.signing_secret. Read again after pg_reload_conf()."
}

/// Set when PostgreSQL accepts a value other than a setting's own default.
static ACCEPTED: AtomicBool = AtomicBool::new(false);
/// Set when a value that was given for a setting did not take effect.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Every setting's check hook: PostgreSQL asks it once the value is valid and may be set by who set it.
unsafe extern "C-unwind" fn accepted<T>(
    _: *mut T,
    _: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    if source != pg_sys::GucSource::PGC_S_DEFAULT {
        ACCEPTED.store(true, Ordering::Relaxed);
    }
    true
}

/// Defines the settings, and has PostgreSQL warn of any other name with this prefix.
///
/// Raises where a value that is in force for this connection is refused. Until the library is loaded a
/// setting is a placeholder that anybody can set, and one that comes with the connection (`PGOPTIONS`)
/// takes the place of what the DBA has set. PostgreSQL refuses it now, with a warning, but goes on with
/// the built-in default: `disable_sign_up`, say, would be off again.
pub(crate) fn init() {
    if !REFUSED.load(Ordering::Relaxed) {
        REFUSED.store(!define(), Ordering::Relaxed);
        // SAFETY: called from _PG_init, with a constant, terminated string.
        unsafe {
            #[cfg(any(feature = "pg13", feature = "pg14"))]
            pg_sys::EmitWarningsOnPlaceholders(c"better_auth".as_ptr());
            #[cfg(not(any(feature = "pg13", feature = "pg14")))]
            pg_sys::MarkGUCPrefixReserved(c"better_auth".as_ptr());
        }
    }
    if REFUSED.load(Ordering::Relaxed) {
        pgrx::ereport!(
            ERROR,
            PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
            "better_auth is not usable in this connection: a setting of it has a value that is refused",
            "A WARNING before this one names the setting. It was passed by the connection (PGOPTIONS), which only superusers may do, or its configured value is not valid."
        );
    }
}

/// Whether the placeholder of that name, if there is one, has a value for the whole connection, which is
/// what RESET would bring back. (One that a session has SET, and nobody else, is merely refused.)
fn is_given(name: &CStr) -> bool {
    // SAFETY: the name is terminated. A missing setting is answered with null, and only of one that is
    // there the reset value is asked for, which is null where there is none.
    unsafe {
        !pg_sys::GetConfigOption(name.as_ptr(), true, false).is_null()
            && !pg_sys::GetConfigOptionResetString(name.as_ptr()).is_null()
    }
}

/// A text setting, `None` when it is unset, empty or not UTF-8.
fn text(setting: &GucSetting<Option<CString>>) -> Option<String> {
    setting.get().and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

pub(crate) fn email_and_password_enabled() -> bool {
    EMAIL_AND_PASSWORD_ENABLED.get()
}

pub(crate) fn disable_sign_up() -> bool {
    DISABLE_SIGN_UP.get()
}

pub(crate) fn auto_sign_in() -> bool {
    AUTO_SIGN_IN.get()
}

pub(crate) fn require_email_verification() -> bool {
    REQUIRE_EMAIL_VERIFICATION.get()
}

/// In UTF-16 code units.
pub(crate) fn min_password_length() -> usize {
    usize::try_from(MIN_PASSWORD_LENGTH.get()).unwrap_or_default()
}

/// In UTF-16 code units.
pub(crate) fn max_password_length() -> usize {
    usize::try_from(MAX_PASSWORD_LENGTH.get()).unwrap_or_default()
}

pub(crate) fn password_hash() -> Algorithm {
    match PASSWORD_HASH.get() {
        PasswordHash::Argon2id => Algorithm::Argon2id,
        PasswordHash::Scrypt => Algorithm::Scrypt,
    }
}

/// In seconds.
pub(crate) fn session_expires_in() -> i64 {
    SESSION_EXPIRES_IN.get().into()
}

/// In seconds.
pub(crate) fn session_update_age() -> i64 {
    SESSION_UPDATE_AGE.get().into()
}

/// In seconds.
pub(crate) fn session_fresh_age() -> i64 {
    SESSION_FRESH_AGE.get().into()
}

pub(crate) fn disable_session_refresh() -> bool {
    DISABLE_SESSION_REFRESH.get()
}

/// In seconds.
pub(crate) fn jwt_expires_in() -> i64 {
    JWT_EXPIRES_IN.get().into()
}

/// Runs `work` on the audience: without a copy, since every token asks for it.
pub(crate) fn with_jwt_audience<T>(work: impl FnOnce(Option<&str>) -> T) -> T {
    // SAFETY: the pointer is null or to the setting's terminated value, which stays until the setting
    // changes; `work` is Rust that sets none.
    let audience = unsafe {
        let value = *JWT_AUDIENCE.as_ptr();
        if value.is_null() { None } else { CStr::from_ptr(value).to_str().ok() }
    };
    work(audience.filter(|audience| !audience.is_empty()))
}

pub(crate) fn jwt_role() -> Option<String> {
    text(&JWT_ROLE)
}

pub(crate) fn cookie_secret_file() -> Option<PathBuf> {
    text(&COOKIE_SECRET_FILE).map(PathBuf::from)
}

pub(crate) fn jwt_secret_file() -> Option<PathBuf> {
    text(&JWT_SECRET_FILE).map(PathBuf::from)
}
