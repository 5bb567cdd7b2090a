//! Accounts: how a user signs in. Better Auth's `list-accounts` and `unlink-account`, and what it does after
//! an OAuth exchange, which an HTTP layer does and then calls [`link`].

use serde_json::{Map, Value};

use crate::error::{AuthError, Code};
use crate::flow::account_cookie;
use crate::flow::email_verification;
use crate::flow::fields::{self, Action};
use crate::flow::input::{Input, Issues, fits};
use crate::flow::new_user::{self, Draft};
use crate::flow::session::{self, Caller, Need, require};
use crate::flow::sign_up::MAX_EMAIL;
use crate::settings;
use crate::store::account::{self, Account, CREDENTIAL, Tokens, Whole};
use crate::store::catalog::Table;
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::{self, Changes, User};

/// All accounts of the caller's user.
///
/// # Errors
/// UNAUTHORIZED.
pub(crate) fn list(caller: &mut dyn Caller) -> Result<Vec<Account>, AuthError> {
    list_of_user(&require(caller, Need::Cached)?.user.id)
}

/// All accounts of a user.
///
/// # Errors
/// Those of the store.
pub(crate) fn list_of_user(user_id: &str) -> Result<Vec<Account>, AuthError> {
    account::list(user_id)
}

/// An account of a user by the id of its row, with its tokens.
///
/// # Errors
/// Those of the store.
pub(crate) fn of_user(user_id: &str, id: &str) -> Result<Option<Whole>, AuthError> {
    // Not asked for by an id that may be none.
    match account::list(user_id)?.iter().any(|account| account.id == id) {
        true => account::whole(id),
        false => Ok(None),
    }
}

/// Removes one of the caller's accounts, by the id of its row.
///
/// # Errors
/// VALIDATION_ERROR, UNAUTHORIZED, SESSION_NOT_FRESH, FAILED_TO_UNLINK_LAST_ACCOUNT, ACCOUNT_NOT_FOUND.
pub(crate) fn unlink(caller: &mut dyn Caller, id: Input<'_>) -> Result<(), AuthError> {
    let mut issues = Issues::of_body();
    let id = issues.required("accountId", id);
    issues.finish()?;
    let live = require(caller, Need::Fresh)?;
    // Of two at once, the second one sees that the last account is left.
    user::lock(&live.user.id)?;
    let accounts = account::list(&live.user.id)?;
    if accounts.len() == 1 && !settings::allow_unlinking_all() {
        return Err(Code::FAILED_TO_UNLINK_LAST_ACCOUNT.into());
    }
    if !accounts.iter().any(|account| account.id == id) {
        return Err(Code::ACCOUNT_NOT_FOUND.into());
    }
    account::delete(id)
}

/// What a provider told in an OAuth exchange.
pub(crate) struct Profile<'a> {
    pub(crate) provider_id: &'a str,
    /// The provider's name for the account.
    pub(crate) account_id: &'a str,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) image: Option<&'a str>,
    /// Whether the provider vouches for the email.
    pub(crate) email_verified: bool,
    pub(crate) tokens: Tokens<'a>,
    /// Additional fields, out of `mapProfileToUser`.
    pub(crate) additional: &'a Map<String, Value>,
}

/// Better Auth's options of a provider.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    /// Nobody becomes a user by it.
    pub(crate) disable_sign_up: bool,
    /// The profile goes over the user's row at each sign-in.
    pub(crate) override_user_info: bool,
    /// Who hasn't a verified email doesn't get in.
    pub(crate) require_email_verification: bool,
    /// New users are sent a verification mail where `send_verification_on_sign_up` doesn't say.
    pub(crate) sends_verification: bool,
}

impl Profile<'_> {
    fn check(&self) -> Result<(), AuthError> {
        let mut issues = self.key_issues();
        issues.not_empty("email", Input::Text(self.email));
        issues.bounded("email", Some(self.email));
        issues.bounded("name", Some(self.name));
        if self.email.len() > MAX_EMAIL {
            issues.add("email", "Invalid email address");
        }
        issues.finish()
    }

    fn check_key(&self) -> Result<(), AuthError> {
        self.key_issues().finish()
    }

    fn key_issues(&self) -> Issues {
        let mut issues = Issues::of_body();
        for (field, text) in [("providerId", self.provider_id), ("accountId", self.account_id)] {
            issues.not_empty(field, Input::Text(text));
            issues.bounded(field, Some(text));
        }
        // Its account is a user's password, found by the user's id.
        if self.provider_id == CREDENTIAL {
            issues.add("providerId", "Invalid input: credential is no provider");
        }
        issues
    }

    /// The picture, if it is of a size that is stored: nobody is refused because a provider has a large one.
    fn image(&self) -> Option<&str> {
        self.image.filter(|image| fits(image))
    }

    fn is_trusted(&self) -> bool {
        let trusted = settings::trusted_providers().unwrap_or_default();
        settings::parts(&trusted).any(|provider| provider == self.provider_id)
    }

    fn key(&self) -> (&str, &str) {
        (self.provider_id, self.account_id)
    }
}

/// Links a provider's account to the caller's user: Better Auth's `link-social` with an `idToken`.
///
/// # Errors
/// UNAUTHORIZED, SOCIAL_ACCOUNT_ALREADY_LINKED, LINKING_NOT_ALLOWED, LINKING_DIFFERENT_EMAILS_NOT_ALLOWED.
pub(crate) fn link_to_session(caller: &mut dyn Caller, profile: &Profile<'_>) -> Result<(), AuthError> {
    profile.check()?;
    // Before the session, which may lock its user: `link` takes them in this order.
    account::lock_key(profile.provider_id, profile.account_id)?;
    let live = require(caller, Need::Live)?;
    session::hold(&live)?.ok_or(Code::UNAUTHORIZED)?;
    let now = Timestamp::now();
    match account::find_by_key(profile.provider_id, profile.account_id)? {
        Some(account) if account.user_id == live.user.id => {
            // What it may do was asked for when it was linked first.
            let tokens = Tokens { scope: None, ..profile.tokens };
            account::update_tokens(&account.id, &tokens, now)?;
        }
        Some(_) => return Err(Code::SOCIAL_ACCOUNT_ALREADY_LINKED.into()),
        None => {
            if !profile.is_trusted() && !profile.email_verified || !settings::account_linking_enabled() {
                return Err(Code::LINKING_NOT_ALLOWED.into());
            }
            let is_same = profile.email.to_lowercase() == live.user.email.to_lowercase();
            if !is_same && !settings::allow_different_emails() {
                return Err(Code::LINKING_DIFFERENT_EMAILS_NOT_ALLOWED.into());
            }
            account::link(&live.user.id, profile.key(), &profile.tokens, now)?;
        }
    }
    update_user_info(&live.user.id, profile).map(drop)
}

/// Why an account could not be linked when a provider's callback came: Better Auth's word.
pub(crate) type NotLinked = &'static str;

/// Links a provider's account to the user who asked for it before the browser went there: Better Auth's
/// `linkOAuthAccount`. `email` is the one that the user had then. Tokens are stored anew, and scopes added.
///
/// # Errors
/// Those of the store.
pub(crate) fn link_to_user(
    user_id: &str,
    email: &str,
    profile: &Profile<'_>,
    scopes: &[String],
) -> Result<Result<(), NotLinked>, AuthError> {
    const UNABLE: NotLinked = "unable_to_link_account";
    if !profile.is_trusted() && !profile.email_verified || !settings::account_linking_enabled() {
        return Ok(Err(UNABLE));
    }
    if profile.email.to_lowercase() != email.to_lowercase() && !settings::allow_different_emails() {
        return Ok(Err("email_does_not_match"));
    }
    if profile.check_key().is_err() {
        return Ok(Err(UNABLE));
    }
    account::lock_key(profile.provider_id, profile.account_id)?;
    // Held, so that the user isn't deleted meanwhile.
    if user::lock(user_id)?.is_none() {
        return Ok(Err(UNABLE));
    }
    let now = Timestamp::now();
    match account::find_by_key(profile.provider_id, profile.account_id)? {
        Some(account) if account.user_id == user_id => {
            let merged = merge_scopes(account.scope.as_deref(), scopes);
            let tokens = Tokens {
                scope: Some(&merged).filter(|scope| !scope.is_empty()).map(|scope| &**scope),
                ..profile.tokens
            };
            account::update_tokens(&account.id, &tokens, now)?;
        }
        Some(_) => return Ok(Err("account_already_linked_to_different_user")),
        None => account::link(user_id, profile.key(), &profile.tokens, now)?,
    }
    update_user_info(user_id, profile)?;
    Ok(Ok(()))
}

/// Better Auth's `mergeScopes`: those that are stored, separated by commas, and then the new ones.
fn merge_scopes(stored: Option<&str>, more: &[String]) -> String {
    let mut scopes: Vec<&str> = Vec::new();
    for scope in stored.unwrap_or_default().split(',').chain(more.iter().map(String::as_str)) {
        let scope = scope.trim();
        if !scope.is_empty() && !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes.join(",")
}

/// Who signed in with a provider.
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    pub(crate) user: User,
    /// The user is new.
    pub(crate) is_register: bool,
}

/// Signs in with a provider's account: finds the user it is linked to, or links it to the one who has its
/// email where Better Auth's rules allow that, or creates one. Better Auth's `handleOAuthUserInfo`.
///
/// # Errors
/// OAUTH_LINK_ERROR with Better Auth's reason, BANNED_USER, and VALIDATION_ERROR for an account without id
/// or email.
pub(crate) fn link(
    caller: &mut dyn Caller,
    profile: &Profile<'_>,
    terms: Terms,
    callback_url: Option<&str>,
) -> Result<SignedIn, AuthError> {
    profile.check()?;
    let email = profile.email.to_lowercase();
    account::lock_key(profile.provider_id, profile.account_id)?;
    // The second time round only for who loses a race for the email of a new user.
    for _ in 0..2 {
        let (user, is_register) = match find(profile, &email)? {
            Some(user) if terms.override_user_info => (override_user_info(user, profile, &email)?, false),
            Some(user) => (user, false),
            None if terms.disable_sign_up => return Err(AuthError::OAuth("signup disabled")),
            None => match create(caller, profile, &email)? {
                Some(user) => (user, true),
                None => continue,
            },
        };
        account_cookie::keep(caller, profile.key())?;
        if !user.email_verified && settings::send_verification_email() {
            let sends = match is_register {
                true => settings::send_verification_on_sign_up().or(terms.sends_verification),
                false => terms.require_email_verification && settings::send_verification_on_sign_in(),
            };
            if sends {
                email_verification::send(&caller.base_url()?, &user, callback_url)?;
            }
        }
        if terms.require_email_verification && !user.email_verified {
            return Err(Code::EMAIL_NOT_VERIFIED.into());
        }
        let session = session::open(caller, &user, true)?;
        return Ok(SignedIn { session, user, is_register });
    }
    Err(AuthError::OAuth("unable to create user"))
}

/// The user whose account it is, after it is made theirs where the rules allow that.
fn find(profile: &Profile<'_>, email: &str) -> Result<Option<User>, AuthError> {
    let now = Timestamp::now();
    if let Some(account) = account::find_by_key(profile.provider_id, profile.account_id)? {
        // Held, so that the user isn't deleted before the session is opened.
        let Some(user) = user::lock(&account.user_id)? else {
            return Err(AuthError::OAuth("unable to link account"));
        };
        session::check_standing(&user.id)?;
        if settings::update_account_on_sign_in() {
            account::update_tokens(&account.id, &Tokens { scope: None, ..profile.tokens }, now)?;
        }
        return prove_email(user, profile, email).map(Some);
    }
    let Some(user) = user::find_by_email(email)? else { return Ok(None) };
    let user = user::lock(&user.id)?.filter(|locked| locked.email.to_lowercase() == email);
    let Some(user) = user else { return Ok(None) };
    let is_refused = !profile.is_trusted() && !profile.email_verified
        || settings::require_local_email_verified() && !user.email_verified
        || !settings::account_linking_enabled()
        || settings::disable_implicit_linking();
    if is_refused {
        return Err(AuthError::OAuth("account not linked"));
    }
    session::check_standing(&user.id)?;
    account::link(&user.id, profile.key(), &profile.tokens, now)?;
    let user = prove_email(user, profile, email)?;
    Ok(Some(update_user_info(&user.id, profile)?.unwrap_or(user)))
}

/// A provider that vouches for the user's own email proves it.
fn prove_email(user: User, profile: &Profile<'_>, email: &str) -> Result<User, AuthError> {
    if !profile.email_verified || user.email_verified || user.email.to_lowercase() != email {
        return Ok(user);
    }
    let verified = Changes { email_verified: Some(true), ..Changes::default() };
    Ok(user::update(&user.id, &verified, Timestamp::now())?.unwrap_or(user))
}

/// Has the profile go over the user's row: Better Auth's `overrideUserInfoOnSignIn`. An email that somebody else has
/// stays theirs.
fn override_user_info(user: User, profile: &Profile<'_>, email: &str) -> Result<User, AuthError> {
    let is_same = user.email.to_lowercase() == email;
    let is_taken = !is_same && user::find_by_email(email)?.is_some_and(|other| other.id != user.id);
    let email_verified = match is_same || is_taken {
        true => user.email_verified || is_same && profile.email_verified,
        false => profile.email_verified,
    };
    let additional = fields::of_profile(Table::User, profile.additional, Action::Update)?;
    let changes = Changes {
        name: Some(profile.name),
        image: profile.image().map(Some),
        email: (!is_taken).then_some(email),
        email_verified: Some(email_verified),
        additional: &additional,
    };
    Ok(user::update(&user.id, &changes, Timestamp::now())?.unwrap_or(user))
}

/// A new user with the account. `None` when somebody else has just taken the email.
fn create(caller: &dyn Caller, profile: &Profile<'_>, email: &str) -> Result<Option<User>, AuthError> {
    const METHOD: &str = "oauth";
    let now = Timestamp::now();
    let mut user = User::draft(profile.name, email, profile.image(), now)?;
    user.email_verified = profile.email_verified;
    let additional = fields::of_profile(Table::User, profile.additional, Action::Create)?;
    let draft = Draft { user, additional };
    let link = |user: &User| account::link(&user.id, profile.key(), &profile.tokens, now);
    new_user::create(caller, draft, &Map::new(), METHOD, link)
}

/// Takes name and image over where the settings say so. Better Auth's `applyUpdateUserInfoOnLink`.
fn update_user_info(user_id: &str, profile: &Profile<'_>) -> Result<Option<User>, AuthError> {
    if !settings::update_user_info_on_link() {
        return Ok(None);
    }
    let image = profile.image().map(Some);
    let additional = fields::of_profile(Table::User, profile.additional, Action::Update)?;
    let changes = Changes { name: Some(profile.name), image, additional: &additional, ..Changes::default() };
    user::update(user_id, &changes, Timestamp::now())
}
