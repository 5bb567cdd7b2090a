//! URLs in mails.

use crate::settings;

/// JavaScript's `encodeURIComponent`.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Better Auth's `withPath`: a URL that has no path of its own gets the base path.
pub(crate) fn with_base_path(url: &str, base_path: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let path = url[after_scheme..].find(['/', '?', '#']).map_or("", |at| &url[after_scheme + at..]);
    if !path.trim_matches('/').is_empty() {
        return url.to_owned();
    }
    let base_path = if base_path == "/" { "" } else { base_path };
    format!("{}{base_path}", url.trim_end_matches('/'))
}

/// Better Auth's `baseURL` as the settings give it, base path included.
pub(crate) fn configured_base() -> Option<String> {
    Some(with_base_path(&settings::base_url()?, &settings::base_path().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_component() {
        let vectors: &[(&str, &str)] = &[
            ("", ""),
            ("azAZ09-_.!~*'()", "azAZ09-_.!~*'()"),
            ("a b+c/d=e&f", "a%20b%2Bc%2Fd%3De%26f"),
            (";,?:@$#\"<>[]\\^`{|}%", "%3B%2C%3F%3A%40%24%23%22%3C%3E%5B%5D%5C%5E%60%7B%7C%7D%25"),
            ("é€😀", "%C3%A9%E2%82%AC%F0%9F%98%80"),
            ("\0\n\u{7f}", "%00%0A%7F"),
        ];
        for &(text, expected) in vectors {
            assert_eq!(encode(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_path_of_its_own_comes_first() {
        for (url, expected) in [
            ("https://a.example", "https://a.example/api/auth"),
            ("https://a.example/", "https://a.example/api/auth"),
            ("https://a.example//", "https://a.example/api/auth"),
            ("https://a.example/auth", "https://a.example/auth"),
            ("https://a.example/auth/", "https://a.example/auth/"),
        ] {
            assert_eq!(with_base_path(url, "/api/auth"), expected);
        }
        assert_eq!(with_base_path("https://a.example/", "/"), "https://a.example");
    }
}
