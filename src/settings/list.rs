//! The settings of the core, each once: name, default and meaning. The names and defaults are those of Better Auth's
//! options, in snake_case. A plugin's settings are in its own folder.

use pgrx::PostgresGucEnum;
use std::ffi::CStr;

use super::settings;

/// The values of `better_auth.password_hash`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum PasswordHash {
    #[name = c"argon2id"]
    Argon2id,
    #[name = c"scrypt"]
    Scrypt,
}

/// A switch that follows another one unless it is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum Switch {
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
    /// Whether it is on, where `other` is what it follows.
    pub(crate) fn or(self, other: bool) -> bool {
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

/// Which claims say who is asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum Identity {
    #[name = c"claims"]
    Claims,
    #[name = c"verified"]
    Verified,
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

/// What signs bridge tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
pub(crate) enum JwtAlgorithm {
    #[name = c"hs256"]
    Hs256,
    #[name = c"eddsa"]
    EdDsa,
    #[name = c"es256"]
    Es256,
    #[name = c"rs256"]
    Rs256,
}

settings! { "";
    flag email_and_password_enabled = true,
        c"Allow sign-up and sign-in by email and password.",
        c"Better Auth: emailAndPassword.enabled, which is off there until it is configured.";
    flag disable_sign_up = false,
        c"Refuse new users by email and password, and of link_account(); those who exist still sign in.",
        c"Better Auth: emailAndPassword.disableSignUp.";
    flag auto_sign_in = true,
        c"Open a session at sign-up.",
        c"Better Auth: emailAndPassword.autoSignIn. When off, sign-up does not tell whether an email is taken.";
    flag require_email_verification = false,
        c"Refuse sign-in until the email is verified.",
        c"Better Auth: emailAndPassword.requireEmailVerification. When on, sign-up opens no session and does not tell whether an email is taken.";
    length min_password_length = 8,
        c"Shortest password, in UTF-16 code units.",
        c"Better Auth: emailAndPassword.minPasswordLength.";
    length max_password_length = 128,
        c"Longest password, in UTF-16 code units.",
        c"Better Auth: emailAndPassword.maxPasswordLength.";
    choice(PasswordHash) password_hash = PasswordHash::Argon2id,
        c"How new password hashes are made: argon2id, or scrypt in Better Auth's form.",
        c"Use scrypt while a Better Auth server signs users in from the same tables. Every form is verified.";
    slots max_concurrent_hashes = 0,
        c"Number of passwords that are hashed at the same time in the whole cluster; others wait.",
        c"0 for one less than the cores that there are.";
    flag send_reset_password = true,
        c"Offer to reset a forgotten password by mail.",
        c"Better Auth: emailAndPassword.sendResetPassword. When off: RESET_PASSWORD_DISABLED.";
    seconds reset_password_token_expires_in = 3_600,
        c"Lifetime of the token in a password reset mail.",
        c"Better Auth: emailAndPassword.resetPasswordTokenExpiresIn.";
    flag revoke_sessions_on_password_reset = false,
        c"End all sessions of a user who resets the password.",
        c"Better Auth: emailAndPassword.revokeSessionsOnPasswordReset.";
    flag send_verification_email = true,
        c"Send mails that verify an email address.",
        c"Better Auth: emailVerification.sendVerificationEmail. When off: VERIFICATION_EMAIL_NOT_ENABLED.";
    choice(Switch) send_verification_on_sign_up = Switch::Auto,
        c"Send the verification mail at sign-up: auto, on or off.",
        c"Better Auth: emailVerification.sendOnSignUp. auto follows require_email_verification.";
    flag send_verification_on_sign_in = false,
        c"Send the verification mail again when sign-in is refused for the lack of it.",
        c"Better Auth: emailVerification.sendOnSignIn.";
    seconds email_verification_expires_in = 3_600,
        c"Lifetime of the token in a verification mail.",
        c"Better Auth: emailVerification.expiresIn.";
    flag auto_sign_in_after_verification = false,
        c"Open a session when an email is verified.",
        c"Better Auth: emailVerification.autoSignInAfterVerification.";
    flag change_email_enabled = false,
        c"Let users change their email.",
        c"Better Auth: user.changeEmail.enabled.";
    flag update_email_without_verification = false,
        c"Change an email that isn't verified at once.",
        c"Better Auth: user.changeEmail.updateEmailWithoutVerification.";
    flag send_change_email_confirmation = false,
        c"Ask at the old, verified address first before an email is changed.",
        c"Better Auth: user.changeEmail.sendChangeEmailConfirmation.";
    flag delete_user_enabled = false,
        c"Let users delete themselves.",
        c"Better Auth: user.deleteUser.enabled.";
    flag send_delete_account_verification = false,
        c"Have users confirm by mail that they want to be deleted.",
        c"Better Auth: user.deleteUser.sendDeleteAccountVerification.";
    seconds delete_token_expires_in = 86_400,
        c"Lifetime of the token in a deletion mail.",
        c"Better Auth: user.deleteUser.deleteTokenExpiresIn.";
    fields user_additional_fields = None,
        c"Columns of better_auth.user that answers show and requests may set, separated by commas.",
        c"Better Auth: user.additionalFields. name:readonly is only shown; columns that give power, such as role, always are.";
    fields session_additional_fields = None,
        c"Columns of better_auth.session that answers show and update-session may set, separated by commas.",
        c"Better Auth: session.additionalFields. name:readonly is only shown.";
    seconds session_expires_in = 604_800,
        c"Lifetime of a session.",
        c"Better Auth: session.expiresIn.";
    seconds session_update_age = 86_400,
        c"Age from which using a session prolongs it.",
        c"Better Auth: session.updateAge. 0 prolongs it on every use.";
    seconds session_fresh_age = 86_400,
        c"Time after sign-in in which sensitive operations need no new sign-in; 0 turns the check off.",
        c"Better Auth: session.freshAge, counted from the session's createdAt.";
    flag disable_session_refresh = false,
        c"Never prolong a session.",
        c"Better Auth: session.disableSessionRefresh.";
    flag defer_session_refresh = false,
        c"GET /get-session writes nothing and says needsRefresh; POST prolongs.",
        c"Better Auth: session.deferSessionRefresh.";
    flag cookie_cache = false,
        c"Keep the session in a signed cookie too, for a short time.",
        c"Better Auth: session.cookieCache.enabled. A revoked session is then served until the cookie runs out, by get-session and list-accounts.";
    seconds cookie_cache_max_age = 300,
        c"Lifetime of the cookie cache.",
        c"Better Auth: session.cookieCache.maxAge.";
    choice(CacheStrategy) cookie_cache_strategy = CacheStrategy::Compact,
        c"How the cookie cache is signed: compact or jwt.",
        c"Better Auth: session.cookieCache.strategy.";
    text cookie_cache_version = Some(c"1"),
        c"Version of the cookie cache; a change makes all cached sessions void.",
        c"Better Auth: session.cookieCache.version.";
    flag account_linking_enabled = true,
        c"Allow a user to have accounts of several providers.",
        c"Better Auth: account.accountLinking.enabled.";
    flag disable_implicit_linking = false,
        c"Link an account only to the user who is signed in, never by email.",
        c"Better Auth: account.accountLinking.disableImplicitLinking.";
    text trusted_providers = None,
        c"Providers whose accounts are linked even if they do not vouch for the email, separated by commas.",
        c"Better Auth: account.accountLinking.trustedProviders.";
    flag require_local_email_verified = true,
        c"Link an account by email only to a user whose email is verified here.",
        c"Better Auth: account.accountLinking.requireLocalEmailVerified.";
    flag allow_different_emails = false,
        c"Let users link accounts that have another email.",
        c"Better Auth: account.accountLinking.allowDifferentEmails.";
    flag allow_unlinking_all = false,
        c"Let users unlink their last account.",
        c"Better Auth: account.accountLinking.allowUnlinkingAll.";
    flag update_user_info_on_link = false,
        c"Take name and image over from an account that is linked.",
        c"Better Auth: account.accountLinking.updateUserInfoOnLink.";
    flag update_account_on_sign_in = true,
        c"Store a provider's new tokens at each sign-in.",
        c"Better Auth: account.updateAccountOnSignIn.";
    flag store_account_cookie = false,
        c"Keep the account of the last sign-in with a provider in an encrypted cookie, too.",
        c"Better Auth: account.storeAccountCookie.";
    flag encrypt_oauth_tokens = false,
        c"Keep providers' access and refresh tokens encrypted under the cookie secret.",
        c"Better Auth: account.encryptOAuthTokens.";
    flag skip_state_cookie_check = false,
        c"Take a provider's callback in another browser than the one that has started the sign-in.",
        c"Better Auth: account.skipStateCookieCheck. Anybody's sign-in can then be ended in anybody's browser.";
    text map_profile_to_user_function = None,
        c"Function that makes a user of a provider's profile: schema.name, of one jsonb argument.",
        c"Better Auth: mapProfileToUser. It is given {provider, profile} and runs as its owner; what it answers goes over the user's fields.";
    seconds jwt_expires_in = 3_600,
        c"Lifetime of bridge tokens, and of tokens signed without a lifetime of their own.",
        c"A bridge token never outlives its session.";
    choice(JwtAlgorithm) jwt_algorithm = JwtAlgorithm::Hs256,
        c"How bridge tokens are signed: hs256 by the jwt secret, or eddsa, es256, rs256 by a private key.",
        c"jwks_json() has the public keys, for PostgREST's jwt-secret.";
    text jwt_audience = Some(c"insforge-api"),
        c"The aud claim of tokens, demanded when one is verified; empty for none.",
        c"The same value as PostgREST's jwt-aud, if that is set.";
    text jwt_role = Some(c"authenticated"),
        c"The role claim of bridge tokens: the role that PostgREST switches to.",
        c"";
    choice(Identity) identity = Identity::Claims,
        c"Which claims say who is asking: request.jwt.claims (claims), or those of a token that authenticate() has verified in the transaction (verified).",
        c"verified is for roles with a connection of their own, which may set request.jwt.claims to anything.";
    flag @Userset enable_initplan = true,
        c"Evaluate requesting_user_id() once for each place in the conditions of a query that scans a table.",
        c"A planner setting like enable_seqscan: off, each row calls it. What a query gives is the same.";
    text bridge_claims_function = None,
        c"Function that adds claims to bridge tokens: schema.name, from jsonb to jsonb.",
        c"It is given {user, session} and runs as its owner. It can't set sub, sid, iat, nbf and exp.";
    text before_sign_up_function = None,
        c"Function that is called before a user is created: schema.name, of one jsonb argument.",
        c"It is given {user, method} and runs as its owner. An error that it raises refuses the sign-up with its message.";
    text after_sign_up_function = None,
        c"Function that is called after a user was created, before a session is opened: schema.name, of one jsonb argument.",
        c"It is given {user, method} and runs as its owner. An error that it raises undoes the sign-up.";
    text send_mail_function = None,
        c"Function that sends mail in place of better_auth.mail_outbox: schema.name, of one jsonb argument.",
        c"It is given {kind, recipient, url, token, user, newEmail, expiresAt} and runs as its owner.";
    seconds mail_visibility_timeout = 300,
        c"Time after which a mail that was claimed and not completed is given out again.",
        c"";
    count mail_max_attempts = 10,
        c"Number of times that a mail is tried.",
        c"";
    seconds fetch_visibility_timeout = 300,
        c"Time after which a request of fetch_outbox that was claimed and not completed is given out again.",
        c"";
    count fetch_max_attempts = 10,
        c"Number of times that a request of fetch_outbox is tried.",
        c"";
    seconds fetch_expires_in = 604_800,
        c"Time after which a request of fetch_outbox that could not be made is deleted.",
        c"";
    url base_url = None,
        c"Public URL of the application, such as https://example.com.",
        c"Better Auth: baseURL. The links in mails begin with it; https makes cookies secure.";
    path base_path = Some(c"/api/auth"),
        c"Path under which handler() serves Better Auth's routes.",
        c"Better Auth: basePath. A path in base_url comes first.";
    path bridge_path = Some(c"/api/insforge-token"),
        c"Path under which handler() gives out bridge tokens.",
        c"";
    text disabled_paths = None,
        c"Routes that are switched off, without the base path, separated by commas.",
        c"Better Auth: disabledPaths.";
    text trusted_origins = None,
        c"Origins that requests may come from and redirects may go to, besides that of base_url, separated by commas.",
        c"Better Auth: trustedOrigins. * and ? are wildcards.";
    choice(Switch) disable_csrf_check = Switch::Auto,
        c"Do not check where requests come from: auto, on or off.",
        c"Better Auth: advanced.disableCSRFCheck. auto follows disable_origin_check.";
    flag disable_origin_check = false,
        c"Do not check where redirects go to, nor the Origin of requests.",
        c"Better Auth: advanced.disableOriginCheck.";
    flag skip_trailing_slashes = false,
        c"Take a path that ends with a slash for the one without.",
        c"Better Auth: advanced.skipTrailingSlashes.";
    flag trusted_proxy_headers = false,
        c"Believe X-Forwarded-Host and X-Forwarded-Proto where base_url is not set.",
        c"Better Auth: advanced.trustedProxyHeaders.";
    text cookie_prefix = Some(c"better-auth"),
        c"First part of the cookies' names.",
        c"Better Auth: advanced.cookiePrefix.";
    choice(Switch) use_secure_cookies = Switch::Auto,
        c"Secure cookies with the __Secure- prefix: auto, on or off.",
        c"Better Auth: advanced.useSecureCookies. auto is on where base_url begins with https.";
    choice(SameSite) cookie_same_site = SameSite::Lax,
        c"The SameSite attribute of cookies: lax, strict or none.",
        c"Better Auth: advanced.defaultCookieAttributes.sameSite.";
    flag cross_sub_domain_cookies = false,
        c"Share cookies between subdomains.",
        c"Better Auth: advanced.crossSubDomainCookies.enabled.";
    text cookie_domain = None,
        c"Domain of shared cookies; empty for the host of base_url.",
        c"Better Auth: advanced.crossSubDomainCookies.domain.";
    flag rate_limit = true,
        c"Limit how often a client may call handler().",
        c"Better Auth: rateLimit.enabled.";
    choice(RateLimitStorage) rate_limit_storage = RateLimitStorage::Memory,
        c"Where requests are counted: memory, or database too.",
        c"Better Auth: rateLimit.storage. database counts in the table rateLimit as well, which a Better Auth server may share.";
    seconds rate_limit_window = 10,
        c"Window of the rate limit where no rule says otherwise.",
        c"Better Auth: rateLimit.window.";
    count rate_limit_max = 100,
        c"Requests in a window of the rate limit where no rule says otherwise.",
        c"Better Auth: rateLimit.max.";
    plugins plugins = None,
        c"Better Auth's plugins that are on, separated by commas, in the order in which they answer.",
        c"Better Auth: plugins. Run migrate() afterwards, and enable_rpc() where PostgREST is used.";
    models model_names = None,
        c"Names of tables that are called otherwise than in Better Auth, separated by commas: user=users.",
        c"Better Auth: modelName of user, session, account, verification, rateLimit.";
    columns field_names = None,
        c"Names of columns that are called otherwise than in Better Auth, separated by commas: user.emailVerified=email_verified. snake_case, first, stands for all in snake_case.",
        c"Better Auth: fields of the models.";
    rules rate_limit_rules = None,
        c"Rate limits of paths, separated by commas: /path=window/max, or /path=off. * and, beside it, ? are wildcards.",
        c"Better Auth: rateLimit.customRules.";
    text ip_address_headers = Some(c"x-forwarded-for"),
        c"Headers that hold the client's address, separated by commas, the first one first.",
        c"Better Auth: advanced.ipAddress.ipAddressHeaders.";
    text trusted_proxies = None,
        c"Addresses and networks of proxies whose own entries in those headers are skipped, separated by commas.",
        c"Better Auth: advanced.ipAddress.trustedProxies.";
    bits ipv6_subnet = 64,
        c"Length of the prefix of IPv6 addresses that counts as one client.",
        c"Better Auth: advanced.ipAddress.ipv6Subnet.";
    flag disable_ip_tracking = false,
        c"Do not store clients' addresses, nor limit them by it.",
        c"Better Auth: advanced.ipAddress.disableIpTracking.";
    text @Sighup | SUPERUSER_ONLY cookie_secret_file = None,
        c"File that holds the cookie secret, read by the server's operating system user.",
        c"Comes before the secret in better_auth.signing_secret. Read again after pg_reload_conf().";
    text @Sighup | SUPERUSER_ONLY jwt_secret_file = None,
        c"File that holds the jwt secret, read by the server's operating system user.",
        c"Comes before the secret in better_auth.signing_secret. Read again after pg_reload_conf().";
}

/// Whether `identity` is `verified`. It may be asked for each row, so it is read as it stands.
#[inline]
pub(crate) fn believes_verified() -> bool {
    // SAFETY: the setting's value, which is one of the choices, in a backend, which is one thread.
    unsafe { *identity::SETTING.as_ptr() == Identity::Verified as i32 }
}

/// Runs `work` on the audience: without a copy, since every token asks for it.
pub(crate) fn with_jwt_audience<T>(work: impl FnOnce(Option<&str>) -> T) -> T {
    // SAFETY: the pointer is null or to the setting's terminated value, which stays until the setting
    // changes; `work` is Rust that sets none.
    let audience = unsafe {
        let value = *jwt_audience::SETTING.as_ptr();
        if value.is_null() { None } else { CStr::from_ptr(value).to_str().ok() }
    };
    work(audience.filter(|audience| !audience.is_empty()))
}
