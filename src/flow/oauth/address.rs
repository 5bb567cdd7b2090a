//! Addresses as better-fetch asks for them, by which Better Auth speaks to providers.

use url::{Url, form_urlencoded};

use crate::flow::fetch::Fetch;
use crate::flow::url::encode;

/// The request with its URL as better-fetch writes it: parts of the path encoded, and a space of the query as `%20`.
pub(crate) fn normal(request: Fetch) -> Fetch {
    match written(&request.url) {
        Some(url) => Fetch { url, ..request },
        // Whoever fetches will say that it is none.
        None => request,
    }
}

fn written(url: &str) -> Option<String> {
    let host = url.find("://")? + 3;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    let (origin, rest) = url.split_at(end);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let part = |part: &str| part.split(':').map(encode).collect::<Vec<_>>().join(":");
    let path = path.trim_start_matches('/').split('/').map(part).collect::<Vec<_>>().join("/");
    let pairs = form_urlencoded::parse(query.as_bytes());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let query = query.replace('+', "%20");
    Url::parse(&format!("{origin}/{path}{mark}{query}")).ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_written_as_better_fetch_does() {
        // Seen of @better-fetch/fetch 1.3.3.
        for (url, expected) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example?x=1", "https://a.example/?x=1"),
            ("https://a.example//b//c/", "https://a.example/b//c/"),
            ("https://a.example/b c/d:e", "https://a.example/b%20c/d:e"),
            (
                "https://a.example/me?fields=id,name&x=a+b&&y",
                "https://a.example/me?fields=id%2Cname&x=a%20b&y=",
            ),
            ("https://a.example/me?fields[user]=é", "https://a.example/me?fields%5Buser%5D=%C3%A9"),
        ] {
            assert_eq!(written(url).as_deref(), Some(expected));
        }
        assert_eq!(written("a.example/b"), None);
    }
}
