//! The parameters of a query or of a form, as JavaScript's `URLSearchParams` keeps and writes them.

use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// Parameters in their order. What they say is wiped with them: a secret may be among it.
#[derive(Default)]
pub(crate) struct Params(Vec<(String, Zeroizing<String>)>);

impl Params {
    /// Whether there is one of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Says it in place of what was said, at its place, or last.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = Zeroizing::new(value.into());
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, said)) => *said = value,
            None => self.0.push((name.into(), value)),
        }
    }

    /// Says it where there is something to say.
    pub(crate) fn set_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.set(name, value);
        }
    }

    /// As the query of a URL, or the body of a form.
    pub(crate) fn encode(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Params {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let mut params = Self::default();
        for (name, value) in pairs {
            params.set(name, value);
        }
        params
    }
}
