//! The providers that are set up.

use serde_json::{Map, Value};
use std::ops::Deref;
use std::path::Path;
use std::rc::Rc;
use url::Url;
use zeroize::Zeroizing;

use super::{Provider, preset};
use crate::error::AuthError;
use crate::flow::fetch::Fetch;
use crate::flow::fields;
use crate::flow::secrets::read_secret_file;
use crate::flow::session::Caller;
use crate::store::account::CREDENTIAL;
use crate::store::catalog::{self, PerRows, Table};
use crate::store::oauth_provider::{self, Stored};
use crate::store::server::{Timestamp, config_loaded_at, warn};

/// How long a discovery document is good, in seconds: a provider's addresses stay for years.
const DISCOVERY_LIFETIME: i64 = 86_400;
/// How long nobody asks again for one that could not be had, in seconds, where there is an older one.
const DISCOVERY_PAUSE: i64 = 60;
/// The longest id of a provider, and of its options as JSON, in bytes.
const MAX_ID: usize = 64;
const MAX_OPTIONS: usize = 64 * 1024;

/// A provider, and when its discovery document came.
pub(super) struct Known {
    provider: Provider,
    discovered_at: Option<Timestamp>,
}

impl Deref for Known {
    type Target = Provider;

    fn deref(&self) -> &Provider {
        &self.provider
    }
}

impl Known {
    /// # Errors
    /// The file of its secret can't be read.
    fn new(stored: Stored) -> Result<Self, AuthError> {
        let object = |json: &str| serde_json::from_str::<Map<String, Value>>(json).ok();
        let options = object(&stored.options).unwrap_or_default();
        let discovery = stored.discovery.as_deref().and_then(object);
        let provider = provider(&stored.id, &stored.client_id, stored.client_secret, options, discovery)?;
        Ok(Self { provider, discovered_at: stored.discovered_at })
    }

    /// The address of its discovery document, where that is to be fetched.
    fn is_due(&self, now: Timestamp) -> Option<String> {
        let url = self.provider.preset.discovery_url(&self.provider)?;
        let age = |at: Timestamp| now.unix_seconds() - at.unix_seconds();
        let is_fresh =
            self.discovery.is_some() && self.discovered_at.is_some_and(|at| age(at) < DISCOVERY_LIFETIME);
        (!is_fresh).then_some(url)
    }
}

fn provider(
    id: &str,
    client_id: &str,
    client_secret: Option<Zeroizing<String>>,
    options: Map<String, Value>,
    discovery: Option<Map<String, Value>>,
) -> Result<Provider, AuthError> {
    let mut client_ids = vec![client_id.to_owned()];
    // Better Auth's list of several: those that id tokens may be for besides.
    if let Some(Value::Array(more)) = options.get("clientId") {
        client_ids
            .extend(more.iter().filter_map(Value::as_str).filter(|id| *id != client_id).map(str::to_owned));
    }
    let file = options.get("clientSecretFile").and_then(Value::as_str);
    let client_secret = match file {
        Some(file) => Some(read_secret_file(Path::new(file), &format!("clientSecretFile of provider {id}"))?),
        None => client_secret,
    };
    let preset = preset::find(options.get("preset").and_then(Value::as_str).unwrap_or(id));
    Ok(Provider { id: id.to_owned(), client_ids, client_secret, options, preset, discovery })
}

/// All that are set up. Reads no table unless one has changed.
fn all() -> Result<Rc<[Rc<Known>]>, AuthError> {
    thread_local! {
        static KNOWN: PerRows<(u64, i64), [Rc<Known>]> = const { PerRows::nothing() };
    }
    let usable = |stored: Stored| match Known::new(stored) {
        Ok(known) => Some(Rc::new(known)),
        // One whose secret can't be read takes none of the others along.
        Err(error) => {
            warn(error.sqlstate(), &error.message());
            None
        }
    };
    let load = || Ok(oauth_provider::load()?.into_iter().filter_map(usable).collect());
    let now = || (catalog::rows(Table::OauthProvider), config_loaded_at());
    KNOWN.with(|known| known.get(Table::OauthProvider, now, load))
}

/// A provider by its id, with its discovery document where it has one. `None` where it isn't set up, or can't be used
/// without a document that can't be had.
///
/// # Errors
/// Those of the store; [`AuthError::Suspended`].
pub(super) fn find(caller: &mut dyn Caller, id: &str) -> Result<Option<Rc<Known>>, AuthError> {
    let known = discovered(caller, id)?;
    Ok(known.filter(|known| known.provider.preset.is_usable(&known.provider)))
}

/// A fetch with the headers of the option `discoveryHeaders`.
pub(super) fn with_discovery_headers(fetch: Fetch, provider: &Provider) -> Fetch {
    let headers = provider.options.get("discoveryHeaders").and_then(Value::as_object);
    headers.into_iter().flatten().fold(fetch, |fetch, (name, value)| match value.as_str() {
        Some(value) => fetch.with(name, value.to_owned()),
        None => fetch,
    })
}

/// A provider by its id, as it was set up: nothing is fetched.
///
/// # Errors
/// Those of the store.
pub(super) fn set_up(id: &str) -> Result<Option<Rc<Known>>, AuthError> {
    Ok(all()?.iter().find(|known| known.provider.id == id).map(Rc::clone))
}

fn discovered(caller: &mut dyn Caller, id: &str) -> Result<Option<Rc<Known>>, AuthError> {
    let Some(known) = set_up(id)? else { return Ok(None) };
    let now = Timestamp::now();
    let Some(url) = known.is_due(now) else { return Ok(Some(known)) };
    if !caller.can_fetch() {
        return Ok(Some(known));
    }
    let fetch = Fetch::get(url.as_str()).with("accept", "application/json".into());
    let fetch = with_discovery_headers(fetch, &known.provider);
    let document = match caller.fetch(fetch)?.json() {
        Some(Value::Object(document)) => Some(document).filter(|document| is_document(document, &url)),
        _ => None,
    };
    // Kept even if the request is suspended once more: it won't ask for it again.
    let mut keep = |document: &Map<String, Value>, at: Timestamp| {
        let document = Value::Object(document.clone()).to_string();
        caller.once("discovery", &mut || {
            oauth_provider::set_discovery(id, &document, at)?;
            Ok(Value::Null)
        })
    };
    match (document, &known.discovery) {
        (Some(document), _) => drop(keep(&document, now)?),
        // An older one goes on being used, and for some time nobody is sent for another one.
        (None, Some(older)) => drop(keep(older, now.plus(DISCOVERY_PAUSE - DISCOVERY_LIFETIME))?),
        (None, None) => return Ok(Some(known)),
    }
    set_up(id)
}

/// The same for what needs fetches: where nobody fetches for us, no provider is configured.
///
/// # Errors
/// As [`find`].
pub(super) fn usable(caller: &mut dyn Caller, id: &str) -> Result<Option<Rc<Known>>, AuthError> {
    if caller.can_fetch() { find(caller, id) } else { Ok(None) }
}

/// Whether a discovery document may be used: its issuer is a URL, and its addresses are where the document's own could
/// be: of `https`, or on the same origin. One with a NUL can't be stored.
fn is_document(document: &Map<String, Value>, url: &str) -> bool {
    let Ok(at) = Url::parse(url) else { return false };
    let has_nul = document.iter().any(|(name, value)| name.contains('\0') || fields::has_nul(value));
    let origin = at.origin();
    let text =
        |name: &str| document.get(name).map(|value| value.as_str().and_then(|text| Url::parse(text).ok()));
    let is_issuer = text("issuer").is_none_or(|url| url.is_some());
    let addresses = ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint"];
    let is_fine = |url: Url| url.scheme() == "https" || url.origin() == origin;
    // This one may be relative.
    let keys = document.get("jwks_uri").map(|keys| keys.as_str().and_then(|keys| at.join(keys).ok()));
    let mut named = addresses.into_iter().filter_map(text).chain(keys);
    !has_nul && is_issuer && named.all(|url| url.is_some_and(is_fine))
}

/// Sets a provider up, in place of what there was.
///
/// # Errors
/// What is missing or wrong, for who sets it up.
pub(crate) fn set(
    id: &str,
    client_id: &str,
    client_secret: Option<&str>,
    options: Map<String, Value>,
) -> Result<(), AuthError> {
    let refused = |text: String| Err(AuthError::Argument(text));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(is_plain) || id == CREDENTIAL {
        return refused(format!(
            "the id of a provider has 1 to {MAX_ID} characters of a-z, A-Z, 0-9, - _ and ., and is not {CREDENTIAL}"
        ));
    }
    if client_id.is_empty() {
        return refused("client_id is empty".into());
    }
    if let Some(preset) = options.get("preset")
        && !preset
            .as_str()
            .is_some_and(|preset| preset == "generic" || preset::names().any(|name| name == preset))
    {
        let known = preset::names().collect::<Vec<_>>().join(", ");
        return refused(format!("the option preset must be generic, or one of {known}"));
    }
    let json = Value::Object(options.clone()).to_string();
    if json.len() > MAX_OPTIONS {
        return refused(format!("options are longer than {MAX_OPTIONS} bytes"));
    }
    for (name, value) in &options {
        let Some(text) = value.as_str().filter(|_| name.ends_with("Url") || name.ends_with("Endpoint"))
        else {
            continue;
        };
        let url = Url::parse(text).ok();
        let is_local = |url: &Url| {
            let host = url.host_str().unwrap_or_default();
            host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]"
        };
        if !url.is_some_and(|url| url.scheme() == "https" || url.scheme() == "http" && is_local(&url)) {
            return refused(format!("the option {name} must be a URL of https, or of http on this machine"));
        }
    }
    let providers = all()?;
    if providers.len() >= oauth_provider::MOST && !providers.iter().any(|known| known.provider.id == id) {
        return refused(format!("there are {} providers already", oauth_provider::MOST));
    }
    let secret = client_secret.map(|secret| Zeroizing::new(secret.to_owned()));
    let provider = provider(id, client_id, secret, options, None)?;
    provider.preset.check(&provider)?;
    oauth_provider::replace(id, client_id, client_secret, &json, Timestamp::now())
}

/// Removes a provider; whether it was there. Accounts stay.
///
/// # Errors
/// No table.
pub(crate) fn delete(id: &str) -> Result<bool, AuthError> {
    oauth_provider::delete(id)
}
