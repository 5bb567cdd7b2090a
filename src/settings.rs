//! Every setting of the extension, once: name, context, default and meaning. The names and defaults
//! are those of Better Auth's options, in snake_case.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PgSqlErrorCode, PostgresGucEnum, pg_sys};
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::crypto::password::Algorithm;
use crate::names::Names;

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

/// A switch that follows another one unless it is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
enum Switch {
    #[name = c"auto"]
    Auto,
    #[name = c"on"]
    On,
    #[name = c"off"]
    Off,
    // PostgreSQL's other words for a boolean.
    #[name = c"true"]
    #[hidden = true]
    True,
    #[name = c"false"]
    #[hidden = true]
    False,
    #[name = c"yes"]
    #[hidden = true]
    Yes,
    #[name = c"no"]
    #[hidden = true]
    No,
    #[name = c"1"]
    #[hidden = true]
    One,
    #[name = c"0"]
    #[hidden = true]
    Zero,
}

impl Switch {
    fn or(self, other: bool) -> bool {
        match self {
            Self::Auto => other,
            Self::On | Self::True | Self::Yes | Self::One => true,
            Self::Off | Self::False | Self::No | Self::Zero => false,
        }
    }
}

/// The SameSite attribute of cookies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum SameSite {
    #[name = c"lax"]
    Lax,
    #[name = c"strict"]
    Strict,
    #[name = c"none"]
    None,
}

/// Where requests are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum RateLimitStorage {
    #[name = c"memory"]
    Memory,
    #[name = c"database"]
    Database,
}

/// How the cookie cache is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum CacheStrategy {
    #[name = c"compact"]
    Compact,
    #[name = c"jwt"]
    Jwt,
}

macro_rules! settings {
    ($($kind:ident $(($choice:ty))? $name:ident $static:ident $default:expr, $context:ident, $flags:expr, $short:literal, $long:literal)*) => {
        $(static $static: GucSetting<settings!(@type $kind $($choice)?)> =
            GucSetting::<settings!(@type $kind $($choice)?)>::new($default);)*

        /// Defines all settings; whether every value that was given for one before took effect.
        fn define() -> bool {
            let mut all = true;
            $(
                let was_given = is_given(settings!(@name $name));
                ACCEPTED.store(false, Ordering::Relaxed);
                // SAFETY: the hooks are plain functions that raise nothing.
                unsafe { settings!(@define $kind $name $static $context $flags, $short, $long) };
                all &= !was_given || ACCEPTED.load(Ordering::Relaxed);
            )*
            all
        }
    };
    (@type flag) => { bool };
    (@type seconds) => { i32 };
    (@type length) => { i32 };
    (@type count) => { i32 };
    (@type bits) => { i32 };
    (@type slots) => { i32 };
    (@type text) => { Option<CString> };
    (@type url) => { Option<CString> };
    (@type path) => { Option<CString> };
    (@type fields) => { Option<CString> };
    (@type rules) => { Option<CString> };
    (@type models) => { Option<CString> };
    (@type columns) => { Option<CString> };
    (@type choice $choice:ty) => { $choice };
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
    (@define count $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_int_guc_with_hooks(settings!(@name $name), $short, $long, &$static, 1, 1_000_000, GucContext::$context, $flags, Some(accepted), None, None)
    };
    (@define bits $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_int_guc_with_hooks(settings!(@name $name), $short, $long, &$static, 0, 128, GucContext::$context, $flags, Some(accepted), None, None)
    };
    (@define slots $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_int_guc_with_hooks(settings!(@name $name), $short, $long, &$static, 0, 1024, GucContext::$context, $flags, Some(accepted), None, None)
    };
    (@define text $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted_text), None, None)
    };
    (@define url $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted_url), None, None)
    };
    (@define path $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted_path), None, None)
    };
    (@define fields $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted_text), Some(fields_changed), None)
    };
    (@define rules $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted_rules), None, None)
    };
    (@define models $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted_models), Some(fields_changed), None)
    };
    (@define columns $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_string_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted_columns), Some(fields_changed), None)
    };
    (@define choice $name:ident $static:ident $context:ident $flags:expr, $short:literal, $long:literal) => {
        GucRegistry::define_enum_guc_with_hooks(settings!(@name $name), $short, $long, &$static, GucContext::$context, $flags, Some(accepted), None, None)
    };
}

/// Functions that read a setting, under its own name.
macro_rules! readers {
    ($(flag $($flag:ident $flag_static:ident)*;)? $(seconds $($seconds:ident $seconds_static:ident)*;)? $(text $($text:ident $text_static:ident)*;)?) => {
        $($(pub(crate) fn $flag() -> bool { $flag_static.get() })*)?
        $($(
            /// In seconds.
            pub(crate) fn $seconds() -> i64 { $seconds_static.get().into() }
        )*)?
        $($(
            /// `None` where it is empty.
            pub(crate) fn $text() -> Option<String> { text(&$text_static) }
        )*)?
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
    choice(PasswordHash) password_hash PASSWORD_HASH PasswordHash::Argon2id, Suset, GucFlags::empty(),
        c"How new password hashes are made: argon2id, or scrypt in Better Auth's form.",
        c"Use scrypt while a Better Auth server signs users in from the same tables. Every form is verified."
    slots max_concurrent_hashes MAX_CONCURRENT_HASHES 0, Suset, GucFlags::empty(),
        c"Number of passwords that are hashed at the same time in the whole cluster; others wait.",
        c"0 for one less than the cores that there are."
    flag send_reset_password SEND_RESET_PASSWORD true, Suset, GucFlags::empty(),
        c"Offer to reset a forgotten password by mail.",
        c"Better Auth: emailAndPassword.sendResetPassword. When off: RESET_PASSWORD_DISABLED."
    seconds reset_password_token_expires_in RESET_PASSWORD_TOKEN_EXPIRES_IN 3_600, Suset, GucFlags::empty(),
        c"Lifetime of the token in a password reset mail.",
        c"Better Auth: emailAndPassword.resetPasswordTokenExpiresIn."
    flag revoke_sessions_on_password_reset REVOKE_SESSIONS_ON_PASSWORD_RESET false, Suset, GucFlags::empty(),
        c"End all sessions of a user who resets the password.",
        c"Better Auth: emailAndPassword.revokeSessionsOnPasswordReset."
    flag send_verification_email SEND_VERIFICATION_EMAIL true, Suset, GucFlags::empty(),
        c"Send mails that verify an email address.",
        c"Better Auth: emailVerification.sendVerificationEmail. When off: VERIFICATION_EMAIL_NOT_ENABLED."
    choice(Switch) send_verification_on_sign_up SEND_VERIFICATION_ON_SIGN_UP Switch::Auto, Suset, GucFlags::empty(),
        c"Send the verification mail at sign-up: auto, on or off.",
        c"Better Auth: emailVerification.sendOnSignUp. auto follows require_email_verification."
    flag send_verification_on_sign_in SEND_VERIFICATION_ON_SIGN_IN false, Suset, GucFlags::empty(),
        c"Send the verification mail again when sign-in is refused for the lack of it.",
        c"Better Auth: emailVerification.sendOnSignIn."
    seconds email_verification_expires_in EMAIL_VERIFICATION_EXPIRES_IN 3_600, Suset, GucFlags::empty(),
        c"Lifetime of the token in a verification mail.",
        c"Better Auth: emailVerification.expiresIn."
    flag auto_sign_in_after_verification AUTO_SIGN_IN_AFTER_VERIFICATION false, Suset, GucFlags::empty(),
        c"Open a session when an email is verified.",
        c"Better Auth: emailVerification.autoSignInAfterVerification."
    flag change_email_enabled CHANGE_EMAIL_ENABLED false, Suset, GucFlags::empty(),
        c"Let users change their email.",
        c"Better Auth: user.changeEmail.enabled."
    flag update_email_without_verification UPDATE_EMAIL_WITHOUT_VERIFICATION false, Suset, GucFlags::empty(),
        c"Change an email that isn't verified at once.",
        c"Better Auth: user.changeEmail.updateEmailWithoutVerification."
    flag send_change_email_confirmation SEND_CHANGE_EMAIL_CONFIRMATION false, Suset, GucFlags::empty(),
        c"Ask at the old, verified address first before an email is changed.",
        c"Better Auth: user.changeEmail.sendChangeEmailConfirmation."
    flag delete_user_enabled DELETE_USER_ENABLED false, Suset, GucFlags::empty(),
        c"Let users delete themselves.",
        c"Better Auth: user.deleteUser.enabled."
    flag send_delete_account_verification SEND_DELETE_ACCOUNT_VERIFICATION false, Suset, GucFlags::empty(),
        c"Have users confirm by mail that they want to be deleted.",
        c"Better Auth: user.deleteUser.sendDeleteAccountVerification."
    seconds delete_token_expires_in DELETE_TOKEN_EXPIRES_IN 86_400, Suset, GucFlags::empty(),
        c"Lifetime of the token in a deletion mail.",
        c"Better Auth: user.deleteUser.deleteTokenExpiresIn."
    fields user_additional_fields USER_ADDITIONAL_FIELDS None, Suset, GucFlags::empty(),
        c"Columns of better_auth.user that answers show and requests may set, separated by commas.",
        c"Better Auth: user.additionalFields. name:readonly is only shown; columns that give power, such as role, always are."
    fields session_additional_fields SESSION_ADDITIONAL_FIELDS None, Suset, GucFlags::empty(),
        c"Columns of better_auth.session that answers show and update-session may set, separated by commas.",
        c"Better Auth: session.additionalFields. name:readonly is only shown."
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
    flag defer_session_refresh DEFER_SESSION_REFRESH false, Suset, GucFlags::empty(),
        c"GET /get-session writes nothing and says needsRefresh; POST prolongs.",
        c"Better Auth: session.deferSessionRefresh."
    flag cookie_cache COOKIE_CACHE false, Suset, GucFlags::empty(),
        c"Keep the session in a signed cookie too, for a short time.",
        c"Better Auth: session.cookieCache.enabled. A revoked session is then served until the cookie runs out, by get-session and list-accounts."
    seconds cookie_cache_max_age COOKIE_CACHE_MAX_AGE 300, Suset, GucFlags::empty(),
        c"Lifetime of the cookie cache.",
        c"Better Auth: session.cookieCache.maxAge."
    choice(CacheStrategy) cookie_cache_strategy COOKIE_CACHE_STRATEGY CacheStrategy::Compact, Suset, GucFlags::empty(),
        c"How the cookie cache is signed: compact or jwt.",
        c"Better Auth: session.cookieCache.strategy."
    text cookie_cache_version COOKIE_CACHE_VERSION Some(c"1"), Suset, GucFlags::empty(),
        c"Version of the cookie cache; a change makes all cached sessions void.",
        c"Better Auth: session.cookieCache.version."
    flag account_linking_enabled ACCOUNT_LINKING_ENABLED true, Suset, GucFlags::empty(),
        c"Allow a user to have accounts of several providers.",
        c"Better Auth: account.accountLinking.enabled."
    flag disable_implicit_linking DISABLE_IMPLICIT_LINKING false, Suset, GucFlags::empty(),
        c"Link an account only to the user who is signed in, never by email.",
        c"Better Auth: account.accountLinking.disableImplicitLinking."
    text trusted_providers TRUSTED_PROVIDERS None, Suset, GucFlags::empty(),
        c"Providers whose accounts are linked even if they do not vouch for the email, separated by commas.",
        c"Better Auth: account.accountLinking.trustedProviders."
    flag require_local_email_verified REQUIRE_LOCAL_EMAIL_VERIFIED true, Suset, GucFlags::empty(),
        c"Link an account by email only to a user whose email is verified here.",
        c"Better Auth: account.accountLinking.requireLocalEmailVerified."
    flag allow_different_emails ALLOW_DIFFERENT_EMAILS false, Suset, GucFlags::empty(),
        c"Let users link accounts that have another email.",
        c"Better Auth: account.accountLinking.allowDifferentEmails."
    flag allow_unlinking_all ALLOW_UNLINKING_ALL false, Suset, GucFlags::empty(),
        c"Let users unlink their last account.",
        c"Better Auth: account.accountLinking.allowUnlinkingAll."
    flag update_user_info_on_link UPDATE_USER_INFO_ON_LINK false, Suset, GucFlags::empty(),
        c"Take name and image over from an account that is linked.",
        c"Better Auth: account.accountLinking.updateUserInfoOnLink."
    flag update_account_on_sign_in UPDATE_ACCOUNT_ON_SIGN_IN true, Suset, GucFlags::empty(),
        c"Store a provider's new tokens at each sign-in.",
        c"Better Auth: account.updateAccountOnSignIn."
    seconds jwt_expires_in JWT_EXPIRES_IN 3_600, Suset, GucFlags::empty(),
        c"Lifetime of bridge tokens, and of tokens signed without a lifetime of their own.",
        c"A bridge token never outlives its session."
    text jwt_audience JWT_AUDIENCE Some(c"insforge-api"), Suset, GucFlags::empty(),
        c"The aud claim of tokens, demanded when one is verified; empty for none.",
        c"The same value as PostgREST's jwt-aud, if that is set."
    text jwt_role JWT_ROLE Some(c"authenticated"), Suset, GucFlags::empty(),
        c"The role claim of bridge tokens: the role that PostgREST switches to.",
        c""
    flag enable_initplan ENABLE_INITPLAN true, Userset, GucFlags::empty(),
        c"Evaluate requesting_user_id() once for each place in the conditions of a query that scans a table.",
        c"A planner setting like enable_seqscan: off, each row calls it. What a query gives is the same."
    text bridge_claims_function BRIDGE_CLAIMS_FUNCTION None, Suset, GucFlags::empty(),
        c"Function that adds claims to bridge tokens: schema.name, from jsonb to jsonb.",
        c"It is given {user, session} and runs as its owner. It can't set sub, sid, iat, nbf and exp."
    text before_sign_up_function BEFORE_SIGN_UP_FUNCTION None, Suset, GucFlags::empty(),
        c"Function that is called before a user is created: schema.name, of one jsonb argument.",
        c"It is given {user, method} and runs as its owner. An error that it raises refuses the sign-up with its message."
    text after_sign_up_function AFTER_SIGN_UP_FUNCTION None, Suset, GucFlags::empty(),
        c"Function that is called after a user was created, before a session is opened: schema.name, of one jsonb argument.",
        c"It is given {user, method} and runs as its owner. An error that it raises undoes the sign-up."
    text send_mail_function SEND_MAIL_FUNCTION None, Suset, GucFlags::empty(),
        c"Function that sends mail in place of better_auth.mail_outbox: schema.name, of one jsonb argument.",
        c"It is given {kind, recipient, url, token, user, newEmail, expiresAt} and runs as its owner."
    seconds mail_visibility_timeout MAIL_VISIBILITY_TIMEOUT 300, Suset, GucFlags::empty(),
        c"Time after which a mail that was claimed and not completed is given out again.",
        c""
    count mail_max_attempts MAIL_MAX_ATTEMPTS 10, Suset, GucFlags::empty(),
        c"Number of times that a mail is tried.",
        c""
    url base_url BASE_URL None, Suset, GucFlags::empty(),
        c"Public URL of the application, such as https://example.com.",
        c"Better Auth: baseURL. The links in mails begin with it; https makes cookies secure."
    path base_path BASE_PATH Some(c"/api/auth"), Suset, GucFlags::empty(),
        c"Path under which handler() serves Better Auth's routes.",
        c"Better Auth: basePath. A path in base_url comes first."
    path bridge_path BRIDGE_PATH Some(c"/api/insforge-token"), Suset, GucFlags::empty(),
        c"Path under which handler() gives out bridge tokens.",
        c""
    text disabled_paths DISABLED_PATHS None, Suset, GucFlags::empty(),
        c"Routes that are switched off, without the base path, separated by commas.",
        c"Better Auth: disabledPaths."
    text trusted_origins TRUSTED_ORIGINS None, Suset, GucFlags::empty(),
        c"Origins that requests may come from and redirects may go to, besides that of base_url, separated by commas.",
        c"Better Auth: trustedOrigins. * and ? are wildcards."
    choice(Switch) disable_csrf_check DISABLE_CSRF_CHECK Switch::Auto, Suset, GucFlags::empty(),
        c"Do not check where requests come from: auto, on or off.",
        c"Better Auth: advanced.disableCSRFCheck. auto follows disable_origin_check."
    flag disable_origin_check DISABLE_ORIGIN_CHECK false, Suset, GucFlags::empty(),
        c"Do not check where redirects go to, nor the Origin of requests.",
        c"Better Auth: advanced.disableOriginCheck."
    flag skip_trailing_slashes SKIP_TRAILING_SLASHES false, Suset, GucFlags::empty(),
        c"Take a path that ends with a slash for the one without.",
        c"Better Auth: advanced.skipTrailingSlashes."
    flag trusted_proxy_headers TRUSTED_PROXY_HEADERS false, Suset, GucFlags::empty(),
        c"Believe X-Forwarded-Host and X-Forwarded-Proto where base_url is not set.",
        c"Better Auth: advanced.trustedProxyHeaders."
    text cookie_prefix COOKIE_PREFIX Some(c"better-auth"), Suset, GucFlags::empty(),
        c"First part of the cookies' names.",
        c"Better Auth: advanced.cookiePrefix."
    choice(Switch) use_secure_cookies USE_SECURE_COOKIES Switch::Auto, Suset, GucFlags::empty(),
        c"Secure cookies with the __Secure- prefix: auto, on or off.",
        c"Better Auth: advanced.useSecureCookies. auto is on where base_url begins with https."
    choice(SameSite) cookie_same_site COOKIE_SAME_SITE SameSite::Lax, Suset, GucFlags::empty(),
        c"The SameSite attribute of cookies: lax, strict or none.",
        c"Better Auth: advanced.defaultCookieAttributes.sameSite."
    flag cross_sub_domain_cookies CROSS_SUB_DOMAIN_COOKIES false, Suset, GucFlags::empty(),
        c"Share cookies between subdomains.",
        c"Better Auth: advanced.crossSubDomainCookies.enabled."
    text cookie_domain COOKIE_DOMAIN None, Suset, GucFlags::empty(),
        c"Domain of shared cookies; empty for the host of base_url.",
        c"Better Auth: advanced.crossSubDomainCookies.domain."
    flag rate_limit RATE_LIMIT true, Suset, GucFlags::empty(),
        c"Limit how often a client may call handler().",
        c"Better Auth: rateLimit.enabled."
    choice(RateLimitStorage) rate_limit_storage RATE_LIMIT_STORAGE RateLimitStorage::Memory, Suset, GucFlags::empty(),
        c"Where requests are counted: memory, or database too.",
        c"Better Auth: rateLimit.storage. database counts in the table rateLimit as well, which a Better Auth server may share."
    seconds rate_limit_window RATE_LIMIT_WINDOW 10, Suset, GucFlags::empty(),
        c"Window of the rate limit where no rule says otherwise.",
        c"Better Auth: rateLimit.window."
    count rate_limit_max RATE_LIMIT_MAX 100, Suset, GucFlags::empty(),
        c"Requests in a window of the rate limit where no rule says otherwise.",
        c"Better Auth: rateLimit.max."
    models model_names MODEL_NAMES None, Suset, GucFlags::empty(),
        c"Names of tables that are called otherwise than in Better Auth, separated by commas: user=users.",
        c"Better Auth: modelName of user, session, account, verification, rateLimit."
    columns field_names FIELD_NAMES None, Suset, GucFlags::empty(),
        c"Names of columns that are called otherwise than in Better Auth, separated by commas: user.emailVerified=email_verified. snake_case, first, stands for all in snake_case.",
        c"Better Auth: fields of the models."
    rules rate_limit_rules RATE_LIMIT_RULES None, Suset, GucFlags::empty(),
        c"Rate limits of paths, separated by commas: /path=window/max, or /path=off. * and, beside it, ? are wildcards.",
        c"Better Auth: rateLimit.customRules."
    text ip_address_headers IP_ADDRESS_HEADERS Some(c"x-forwarded-for"), Suset, GucFlags::empty(),
        c"Headers that hold the client's address, separated by commas, the first one first.",
        c"Better Auth: advanced.ipAddress.ipAddressHeaders."
    text trusted_proxies TRUSTED_PROXIES None, Suset, GucFlags::empty(),
        c"Addresses and networks of proxies whose own entries in those headers are skipped, separated by commas.",
        c"Better Auth: advanced.ipAddress.trustedProxies."
    bits ipv6_subnet IPV6_SUBNET 64, Suset, GucFlags::empty(),
        c"Length of the prefix of IPv6 addresses that counts as one client.",
        c"Better Auth: advanced.ipAddress.ipv6Subnet."
    flag disable_ip_tracking DISABLE_IP_TRACKING false, Suset, GucFlags::empty(),
        c"Do not store clients' addresses, nor limit them by it.",
        c"Better Auth: advanced.ipAddress.disableIpTracking."
    text cookie_secret_file COOKIE_SECRET_FILE None, Sighup, GucFlags::SUPERUSER_ONLY,
        c"File that holds the cookie secret, read by the server's operating system user.",
        c"Comes before the secret in better_auth.signing_secret. Read again after pg_reload_conf()."
    text jwt_secret_file JWT_SECRET_FILE None, Sighup, GucFlags::SUPERUSER_ONLY,
        c"File that holds the jwt secret, read by the server's operating system user.",
        c"Comes before the secret in better_auth.signing_secret. Read again after pg_reload_conf()."
}

readers! {
    flag
        enable_initplan ENABLE_INITPLAN
        email_and_password_enabled EMAIL_AND_PASSWORD_ENABLED
        disable_sign_up DISABLE_SIGN_UP
        auto_sign_in AUTO_SIGN_IN
        require_email_verification REQUIRE_EMAIL_VERIFICATION
        send_reset_password SEND_RESET_PASSWORD
        revoke_sessions_on_password_reset REVOKE_SESSIONS_ON_PASSWORD_RESET
        send_verification_email SEND_VERIFICATION_EMAIL
        send_verification_on_sign_in SEND_VERIFICATION_ON_SIGN_IN
        auto_sign_in_after_verification AUTO_SIGN_IN_AFTER_VERIFICATION
        change_email_enabled CHANGE_EMAIL_ENABLED
        update_email_without_verification UPDATE_EMAIL_WITHOUT_VERIFICATION
        send_change_email_confirmation SEND_CHANGE_EMAIL_CONFIRMATION
        delete_user_enabled DELETE_USER_ENABLED
        send_delete_account_verification SEND_DELETE_ACCOUNT_VERIFICATION
        disable_session_refresh DISABLE_SESSION_REFRESH
        defer_session_refresh DEFER_SESSION_REFRESH
        cookie_cache COOKIE_CACHE
        account_linking_enabled ACCOUNT_LINKING_ENABLED
        disable_implicit_linking DISABLE_IMPLICIT_LINKING
        require_local_email_verified REQUIRE_LOCAL_EMAIL_VERIFIED
        allow_different_emails ALLOW_DIFFERENT_EMAILS
        allow_unlinking_all ALLOW_UNLINKING_ALL
        update_user_info_on_link UPDATE_USER_INFO_ON_LINK
        update_account_on_sign_in UPDATE_ACCOUNT_ON_SIGN_IN
        skip_trailing_slashes SKIP_TRAILING_SLASHES
        disable_origin_check DISABLE_ORIGIN_CHECK
        trusted_proxy_headers TRUSTED_PROXY_HEADERS
        cross_sub_domain_cookies CROSS_SUB_DOMAIN_COOKIES
        rate_limit RATE_LIMIT
        disable_ip_tracking DISABLE_IP_TRACKING;
    seconds
        reset_password_token_expires_in RESET_PASSWORD_TOKEN_EXPIRES_IN
        email_verification_expires_in EMAIL_VERIFICATION_EXPIRES_IN
        delete_token_expires_in DELETE_TOKEN_EXPIRES_IN
        session_expires_in SESSION_EXPIRES_IN
        session_update_age SESSION_UPDATE_AGE
        session_fresh_age SESSION_FRESH_AGE
        cookie_cache_max_age COOKIE_CACHE_MAX_AGE
        jwt_expires_in JWT_EXPIRES_IN
        mail_visibility_timeout MAIL_VISIBILITY_TIMEOUT;
    text
        cookie_cache_version COOKIE_CACHE_VERSION
        trusted_providers TRUSTED_PROVIDERS
        jwt_role JWT_ROLE
        bridge_claims_function BRIDGE_CLAIMS_FUNCTION
        before_sign_up_function BEFORE_SIGN_UP_FUNCTION
        after_sign_up_function AFTER_SIGN_UP_FUNCTION
        send_mail_function SEND_MAIL_FUNCTION
        disabled_paths DISABLED_PATHS
        trusted_origins TRUSTED_ORIGINS
        cookie_prefix COOKIE_PREFIX
        cookie_domain COOKIE_DOMAIN
        ip_address_headers IP_ADDRESS_HEADERS
        trusted_proxies TRUSTED_PROXIES
        cookie_secret_file COOKIE_SECRET_FILE
        jwt_secret_file JWT_SECRET_FILE
        base_url BASE_URL
        base_path BASE_PATH
        bridge_path BRIDGE_PATH;
}

/// Set when PostgreSQL accepts a value other than a setting's own default.
static ACCEPTED: AtomicBool = AtomicBool::new(false);
/// Set when a value that was given for a setting did not take effect.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Counts the changes to the settings that name columns.
static FIELD_CHANGES: AtomicU64 = AtomicU64::new(0);

fn accept(source: pg_sys::GucSource::Type) -> bool {
    if source != pg_sys::GucSource::PGC_S_DEFAULT {
        ACCEPTED.store(true, Ordering::Relaxed);
    }
    true
}

/// A setting's check hook: PostgreSQL asks it once the value is valid and may be set by who set it.
unsafe extern "C-unwind" fn accepted<T>(
    _: *mut T,
    _: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    accept(source)
}

/// The same for text that has to mean something. Says what it should be like where it doesn't.
///
/// # Safety
/// For PostgreSQL's call of a check hook: `value` points to a terminated string, or to null.
unsafe fn accept_text(
    value: *mut *mut c_char,
    source: pg_sys::GucSource::Type,
    is_valid: impl FnOnce(&str) -> bool,
) -> bool {
    // SAFETY: as the caller says.
    let text = unsafe { if (*value).is_null() { Ok("") } else { CStr::from_ptr(*value).to_str() } };
    text.is_ok_and(|text| text.is_empty() || is_valid(text)) && accept(source)
}

macro_rules! text_hooks {
    ($($hook:ident $is_valid:expr;)*) => {$(
        unsafe extern "C-unwind" fn $hook(
            value: *mut *mut c_char,
            _: *mut *mut c_void,
            source: pg_sys::GucSource::Type,
        ) -> bool {
            // SAFETY: PostgreSQL calls it as a check hook.
            unsafe { accept_text(value, source, $is_valid) }
        }
    )*};
}

text_hooks! {
    accepted_text |_| true;
    accepted_url |text| {
        url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    accepted_path |text| {
        text.starts_with('/') && !text.contains("//") && !text.contains(['?', '#', '%', ' ', '\\'])
    };
    accepted_rules |text| parse_rules(text).is_some();
    accepted_models |text| named(Names::parse(text, ""));
    accepted_columns |text| named(Names::parse("", text));
}

/// Whether names were taken; the DETAIL of the refusal says why not.
fn named(names: Result<Names, String>) -> bool {
    let Err(why) = names else { return true };
    if let Ok(why) = CString::new(why) {
        // SAFETY: what GUC_check_errdetail() does: the text is the error's, and lives as long.
        unsafe {
            pg_sys::GUC_check_errdetail_string =
                pg_sys::MemoryContextStrdup(pg_sys::ErrorContext, why.as_ptr());
        }
    }
    false
}

/// Called when a setting that names columns has a new value, at the end of a transaction too.
unsafe extern "C-unwind" fn fields_changed(_: *const c_char, _: *mut c_void) {
    FIELD_CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// What `model_names` and `field_names` say.
pub(crate) fn names() -> Names {
    let names =
        Names::parse(&text(&MODEL_NAMES).unwrap_or_default(), &text(&FIELD_NAMES).unwrap_or_default());
    // PostgreSQL has asked before it took the values.
    names.unwrap_or_default()
}

/// Whether that one of the two is set.
pub(crate) fn is_named(setting: &str) -> bool {
    let setting = if setting.ends_with("model_names") { &MODEL_NAMES } else { &FIELD_NAMES };
    text(setting).is_some()
}

/// Changes whenever a setting that names tables or columns may have changed.
pub(crate) fn field_changes() -> u64 {
    FIELD_CHANGES.load(Ordering::Relaxed)
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
#[cfg(any(feature = "pg13", feature = "pg14", feature = "pg15"))]
fn is_given(name: &CStr) -> bool {
    // SAFETY: the name is terminated. A missing setting is answered with null, and only of one that is
    // there the reset value is asked for, which is null where there is none.
    unsafe {
        !pg_sys::GetConfigOption(name.as_ptr(), true, false).is_null()
            && !pg_sys::GetConfigOptionResetString(name.as_ptr()).is_null()
    }
}

/// The same from PostgreSQL 16 on, where the functions above may answer with an empty text for none.
#[cfg(not(any(feature = "pg13", feature = "pg14", feature = "pg15")))]
fn is_given(name: &CStr) -> bool {
    // SAFETY: the name is terminated. A missing setting is answered with null, and one that is there has the type
    // that it says; a placeholder is a text.
    unsafe {
        let setting = pg_sys::find_option(name.as_ptr(), false, true, 0);
        !setting.is_null()
            && (*setting).vartype == pg_sys::config_type::PGC_STRING
            && !(*setting.cast::<pg_sys::config_string>()).reset_val.is_null()
    }
}

/// A text setting, `None` when it is unset, empty or not UTF-8.
fn text(setting: &GucSetting<Option<CString>>) -> Option<String> {
    setting.get().and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

/// The parts of a list that is separated by commas, or spaces and commas.
pub(crate) fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
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

/// Whether new hashes are Better Auth's own, which are longer.
pub(crate) fn hashes_by_scrypt() -> bool {
    PASSWORD_HASH.get() == PasswordHash::Scrypt
}

pub(crate) fn disable_csrf_check() -> bool {
    DISABLE_CSRF_CHECK.get().or(disable_origin_check())
}

pub(crate) fn sends_verification_on_sign_up() -> bool {
    SEND_VERIFICATION_ON_SIGN_UP.get().or(require_email_verification())
}

/// Whether cookies are secure, given whether the base URL's scheme is https.
pub(crate) fn has_secure_cookies(is_https: bool) -> bool {
    USE_SECURE_COOKIES.get().or(is_https)
}

pub(crate) fn cookie_same_site() -> SameSite {
    COOKIE_SAME_SITE.get()
}

pub(crate) fn cookie_cache_strategy() -> CacheStrategy {
    COOKIE_CACHE_STRATEGY.get()
}

pub(crate) fn rate_limit_storage() -> RateLimitStorage {
    RATE_LIMIT_STORAGE.get()
}

pub(crate) fn mail_max_attempts() -> i32 {
    MAIL_MAX_ATTEMPTS.get()
}

/// 0 where it is for us to say.
pub(crate) fn max_concurrent_hashes() -> u32 {
    MAX_CONCURRENT_HASHES.get().unsigned_abs()
}

/// The length of the prefix in bits.
pub(crate) fn ipv6_subnet() -> u8 {
    u8::try_from(IPV6_SUBNET.get()).unwrap_or(64)
}

/// How many requests are allowed in how many seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RateLimit {
    pub(crate) window: i64,
    pub(crate) max: i64,
}

/// The limit where no rule says otherwise.
pub(crate) fn default_rate_limit() -> RateLimit {
    RateLimit { window: RATE_LIMIT_WINDOW.get().into(), max: RATE_LIMIT_MAX.get().into() }
}

/// `rate_limit_rules` in order: a pattern of paths, and its limit, or `None` for no limit.
pub(crate) fn rate_limit_rules() -> Vec<(String, Option<RateLimit>)> {
    text(&RATE_LIMIT_RULES).and_then(|rules| parse_rules(&rules)).unwrap_or_default()
}

fn parse_rules(rules: &str) -> Option<Vec<(String, Option<RateLimit>)>> {
    let rule = |rule: &str| {
        let (path, limit) = rule.split_once('=')?;
        let limit = match limit.trim() {
            "off" => None,
            limit => {
                let (window, max) = limit.split_once('/')?;
                let number = |text: &str| {
                    text.trim().parse().ok().filter(|&number: &i64| (0..=1_000_000).contains(&number))
                };
                Some(RateLimit { window: number(window)?, max: number(max)? })
            }
        };
        path.trim().starts_with(['/', '*']).then(|| (path.trim().to_owned(), limit))
    };
    parts(rules).map(rule).collect()
}

/// A column that a setting lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AdditionalField {
    pub(crate) name: String,
    pub(crate) is_readonly: bool,
}

/// `user_additional_fields` in order.
pub(crate) fn user_additional_fields() -> Vec<AdditionalField> {
    additional_fields(&USER_ADDITIONAL_FIELDS)
}

/// `session_additional_fields` in order.
pub(crate) fn session_additional_fields() -> Vec<AdditionalField> {
    additional_fields(&SESSION_ADDITIONAL_FIELDS)
}

fn additional_fields(setting: &GucSetting<Option<CString>>) -> Vec<AdditionalField> {
    let list = text(setting).unwrap_or_default();
    let field = |part: &str| match part.split_once(':') {
        Some((name, "readonly")) => AdditionalField { name: name.trim().to_owned(), is_readonly: true },
        _ => AdditionalField { name: part.to_owned(), is_readonly: false },
    };
    let mut fields: Vec<AdditionalField> = Vec::new();
    for field in parts(&list).map(field) {
        if fields.iter().all(|known| known.name != field.name) {
            fields.push(field);
        }
    }
    fields
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_paths_with_a_window_and_a_maximum() {
        let limit = |window, max| Some(RateLimit { window, max });
        assert_eq!(
            parse_rules("/sign-in/*=60/5, /get-session = off ,*=10/100"),
            Some(vec![
                ("/sign-in/*".into(), limit(60, 5)),
                ("/get-session".into(), None),
                ("*".into(), limit(10, 100)),
            ])
        );
        for bad in ["/a", "/a=", "/a=1", "/a=1/", "/a=-1/2", "/a=x/y", "a=1/2", "/a=1/2/3", "/a=1000001/1"] {
            assert_eq!(parse_rules(bad), None, "{bad}");
        }
    }
}
