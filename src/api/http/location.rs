//! Where a response sends the browser, and JavaScript's ways with URLs and text that Better Auth builds on.

use url::{Url, form_urlencoded, quirks};

/// Stands for the server where only a path is known.
const REFERENCE_ORIGIN: &str = "https://better-auth.invalid";

/// Better Auth's `appendQueryParams`: adds parameters behind the query of an absolute or root-relative URL,
/// which otherwise stays as it is. `None` where it throws.
pub(crate) fn append_query(url: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let relative = url.starts_with('/');
    let mut parsed = if relative { on_this_server(url)? } else { parse(url, None)? };
    if parameters.is_empty() {
        return Some(url.to_owned());
    }
    let added = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let present = quirks::search(&parsed);
    let separator = if present.is_empty() || present.ends_with('&') { "" } else { "&" };
    let query = format!("{present}{separator}{added}");
    quirks::set_search(&mut parsed, &query);
    let location = if relative { without_origin(&parsed) } else { parsed.as_str() };
    // `/..//evil.com`: what is left of it, by itself, is another server's.
    (!location.starts_with("//")).then(|| location.to_owned())
}

/// What is left of a URL that [`on_this_server`] read.
pub(crate) fn without_origin(url: &Url) -> &str {
    url.as_str().strip_prefix(REFERENCE_ORIGIN).unwrap_or_default()
}

/// Better Auth's `redirectCallback` and `redirectError`: the URL, relative to the base, with these
/// parameters set. Setting one writes the whole query anew. `None` where they throw.
pub(crate) fn with_parameters(url: &str, base: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let mut url = parse(url, Some(&parse(base, None)?))?;
    if !parameters.is_empty() {
        let mut pairs = form_pairs(quirks::search(&url));
        for &(name, value) in parameters {
            set(&mut pairs, name, value);
        }
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    Some(url.into())
}

/// `URLSearchParams.prototype.set`: changes the first pair of the name and drops its others.
fn set(pairs: &mut Vec<(String, String)>, name: &str, value: &str) {
    let mut value = Some(value.to_owned());
    pairs.retain_mut(|pair| {
        if pair.0 != name {
            return true;
        }
        match value.take() {
            Some(value) => {
                pair.1 = value;
                true
            }
            None => false,
        }
    });
    if let Some(value) = value {
        pairs.push((name.to_owned(), value));
    }
}

/// JavaScript's `new URLSearchParams(text)`: one `?` in front is not part of the pairs, so a query is passed
/// with its own.
pub(crate) fn form_pairs(text: &str) -> Vec<(String, String)> {
    let text = text.strip_prefix('?').unwrap_or(text);
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Better Auth's `normalizePathname`, after it has taken the path out of the URL: the path below the base
/// path, without slashes at its end.
pub(crate) fn route_path<'a>(pathname: &'a str, base_path: &str) -> &'a str {
    let pathname = pathname.trim_end_matches('/');
    let route = match pathname.strip_prefix(base_path.trim_end_matches('/')) {
        Some(below) if below.is_empty() || below.starts_with('/') => below,
        _ => pathname,
    };
    if route.is_empty() { "/" } else { route }
}

/// A root-relative URL as a browser on the server's pages reads it; `None` where it leaves the server.
pub(crate) fn on_this_server(url: &str) -> Option<Url> {
    if url.starts_with("//") || url.starts_with("/\\") {
        return None;
    }
    let parsed = parse(url, Some(&parse(REFERENCE_ORIGIN, None)?))?;
    (parsed.origin().ascii_serialization() == REFERENCE_ORIGIN).then_some(parsed)
}

/// JavaScript's `new URL(url, base)`; `None` where it throws.
pub(crate) fn parse(url: &str, base: Option<&Url>) -> Option<Url> {
    let read = |url: &str| Url::options().base_url(base).parse(url).ok();
    let parsed = read(url)?;
    let special = matches!(parsed.scheme(), "http" | "https" | "ws" | "wss" | "ftp" | "file");
    if !special && url.contains('\\') {
        // The `url` crate ends a port at a backslash whatever the scheme. The standard allows it in neither
        // host nor port then, as it does this character.
        read(&url.replace('\\', "^"))?;
    }
    Some(parsed)
}

/// JavaScript's `decodeURIComponent`; `None` where it throws: a `%` without two hexadecimal digits, or bytes
/// that are not UTF-8.
pub(crate) fn decode_uri_component(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next())? << 4 | digit(bytes.next())?,
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// JavaScript's `String.prototype.trim`, which knows U+FEFF as white space, and not U+0085.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
    })
}

#[cfg(test)]
mod tests {
    //! The vectors are what Better Auth 1.7.25 answers under Node 20.

    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn appends_query() {
        let vectors: &[(&str, Pairs, Option<&str>)] = &[
            ("/a", &[("error", "INVALID_TOKEN")], Some("/a?error=INVALID_TOKEN")),
            ("/a", &[], Some("/a")),
            ("/a?b=c", &[("error", "INVALID_TOKEN")], Some("/a?b=c&error=INVALID_TOKEN")),
            (
                "/a?b=%zz&c=%2F d",
                &[("error", "INVALID_TOKEN")],
                Some("/a?b=%zz&c=%2F%20d&error=INVALID_TOKEN"),
            ),
            ("/a?", &[("error", "INVALID_TOKEN")], Some("/a?error=INVALID_TOKEN")),
            ("/a?b&", &[("error", "INVALID_TOKEN")], Some("/a?b&error=INVALID_TOKEN")),
            ("/a?&", &[("error", "INVALID_TOKEN")], Some("/a?&error=INVALID_TOKEN")),
            ("/a#f", &[("error", "INVALID_TOKEN")], Some("/a?error=INVALID_TOKEN#f")),
            ("/a?b#f?g", &[("token", "a b&=+é"), ("x", "")], Some("/a?b&token=a+b%26%3D%2B%C3%A9&x=#f?g")),
            ("/", &[("token", "a b&=+é"), ("x", "")], Some("/?token=a+b%26%3D%2B%C3%A9&x=")),
            ("/../a b", &[("error", "INVALID_TOKEN")], Some("/a%20b?error=INVALID_TOKEN")),
            ("/é?é='", &[("error", "INVALID_TOKEN")], Some("/%C3%A9?%C3%A9=%27&error=INVALID_TOKEN")),
            ("//evil.com", &[("error", "INVALID_TOKEN")], None),
            ("/\\evil.com", &[("error", "INVALID_TOKEN")], None),
            ("//evil.com", &[], None),
            ("/..//evil.com", &[("error", "INVALID_TOKEN")], None),
            ("/a/%2e%2e//evil.com", &[("error", "INVALID_TOKEN")], None),
            ("/\t/evil.com", &[("error", "INVALID_TOKEN")], None),
            (
                "https://good.com",
                &[("error", "INVALID_TOKEN")],
                Some("https://good.com/?error=INVALID_TOKEN"),
            ),
            ("https://good.com", &[], Some("https://good.com")),
            (
                "https://GOOD.com:443/a?b=c#d",
                &[("token", "a b&=+é"), ("x", "")],
                Some("https://good.com/a?b=c&token=a+b%26%3D%2B%C3%A9&x=#d"),
            ),
            (
                "https://good.com?a='\"<>|",
                &[("error", "INVALID_TOKEN")],
                Some("https://good.com/?a=%27%22%3C%3E|&error=INVALID_TOKEN"),
            ),
            ("myapp://cb", &[("error", "INVALID_TOKEN")], Some("myapp://cb?error=INVALID_TOKEN")),
            (
                "myapp:cb?a='#f",
                &[("token", "a b&=+é"), ("x", "")],
                Some("myapp:cb?a='&token=a+b%26%3D%2B%C3%A9&x=#f"),
            ),
            ("myapp://h:8\\x", &[("error", "INVALID_TOKEN")], None),
            ("good.com", &[("error", "INVALID_TOKEN")], None),
            ("", &[("error", "INVALID_TOKEN")], None),
            ("", &[], None),
            ("nonsense", &[], None),
            ("?a", &[("error", "INVALID_TOKEN")], None),
            (
                "javascript:alert(1)",
                &[("error", "INVALID_TOKEN")],
                Some("javascript:alert(1)?error=INVALID_TOKEN"),
            ),
            (
                "/a?token=old",
                &[("token", "a b&=+é"), ("x", "")],
                Some("/a?token=old&token=a+b%26%3D%2B%C3%A9&x="),
            ),
            ("/a", &[("", "")], Some("/a?=")),
            ("https://a b", &[], None),
        ];
        for &(url, parameters, expected) in vectors {
            assert_eq!(append_query(url, parameters).as_deref(), expected, "{url:?} {parameters:?}");
        }
    }

    #[test]
    fn sets_parameters() {
        let vectors: &[(&str, &str, Pairs, Option<&str>)] = &[
            (
                "/a",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/a?error=INVALID_TOKEN"),
            ),
            (
                "a",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/api/a?error=INVALID_TOKEN"),
            ),
            (
                "",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/api/auth?error=INVALID_TOKEN"),
            ),
            (
                "?x=1",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/api/auth?x=1&error=INVALID_TOKEN"),
            ),
            (
                "#f",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/api/auth?error=INVALID_TOKEN#f"),
            ),
            ("../x", "http://localhost:3000/api/auth", &[], Some("http://localhost:3000/x")),
            (
                "/a?b='%2F~%zz c#f",
                "http://localhost:3000/api/auth",
                &[],
                Some("http://localhost:3000/a?b=%27%2F~%zz%20c#f"),
            ),
            (
                "/a?b='%2F~%zz c#f",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/a?b=%27%2F%7E%25zz+c&error=INVALID_TOKEN#f"),
            ),
            (
                "/a?error=1&b&error=2",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/a?error=INVALID_TOKEN&b="),
            ),
            (
                "/a??b=1&&=&c=d=e",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://localhost:3000/a?%3Fb=1&=&c=d%3De&error=INVALID_TOKEN"),
            ),
            (
                "/a?x=%E9&y=%C3%A9+1%201",
                "http://localhost:3000/api/auth",
                &[("token", "a b&=+é"), ("x", "")],
                Some("http://localhost:3000/a?x=&y=%C3%A9+1+1&token=a+b%26%3D%2B%C3%A9"),
            ),
            (
                "/a",
                "http://localhost:3000/api/auth",
                &[("a", "1"), ("a", "1")],
                Some("http://localhost:3000/a?a=1"),
            ),
            (
                "//evil.com",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://evil.com/?error=INVALID_TOKEN"),
            ),
            (
                "/\\evil.com",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("http://evil.com/?error=INVALID_TOKEN"),
            ),
            (
                "https://good.com",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("https://good.com/?error=INVALID_TOKEN"),
            ),
            (
                "https://good.com/a?b#c",
                "http://localhost:3000/api/auth",
                &[("token", "a b&=+é"), ("x", "")],
                Some("https://good.com/a?b=&token=a+b%26%3D%2B%C3%A9&x=#c"),
            ),
            (
                "https:x",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("https://x/?error=INVALID_TOKEN"),
            ),
            (
                "myapp://cb",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("myapp://cb?error=INVALID_TOKEN"),
            ),
            (
                "myapp:cb?a",
                "http://localhost:3000/api/auth",
                &[("error", "INVALID_TOKEN")],
                Some("myapp:cb?a=&error=INVALID_TOKEN"),
            ),
            ("https://", "http://localhost:3000/api/auth", &[("error", "INVALID_TOKEN")], None),
            ("https://a b", "http://localhost:3000/api/auth", &[], None),
            ("myapp://h:8\\x", "http://localhost:3000/api/auth", &[("error", "INVALID_TOKEN")], None),
            ("/a", "", &[("error", "INVALID_TOKEN")], None),
            ("https://good.com", "nonsense", &[("error", "INVALID_TOKEN")], None),
            (
                "a",
                "https://good.com/x/",
                &[("é😀", "*-._~'()! ")],
                Some("https://good.com/x/a?%C3%A9%F0%9F%98%80=*-._%7E%27%28%29%21+"),
            ),
        ];
        for &(url, base, parameters, expected) in vectors {
            assert_eq!(
                with_parameters(url, base, parameters).as_deref(),
                expected,
                "{url:?} {base:?} {parameters:?}"
            );
        }
    }

    #[test]
    fn decodes_component() {
        let vectors: &[(&str, Option<&str>)] = &[
            ("", Some("")),
            ("abc+", Some("abc+")),
            ("%41%7a%7A", Some("Azz")),
            ("%C3%A9%e2%82%ac%F0%9F%98%80", Some("é€😀")),
            ("é%20😀", Some("é 😀")),
            ("%00", Some("\0")),
            ("%ef%bb%bf", Some("\u{feff}")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%+1", None),
            ("% 1", None),
            ("%1é", None),
            ("%C3", None),
            ("%C3é", None),
            ("%A9", None),
            ("%C3%", None),
            ("%c0%80", None),
            ("%ed%a0%80", None),
            ("%f4%90%80%80", None),
            ("%f4%8f%bf%bf", Some("􏿿")),
            ("%ff", None),
        ];
        for &(text, expected) in vectors {
            assert_eq!(decode_uri_component(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn form_pairs_of() {
        let vectors: &[(&str, Pairs)] = &[
            ("", &[]),
            ("?", &[]),
            ("a=b", &[("a", "b")]),
            ("?a=b", &[("a", "b")]),
            ("??a=b", &[("?a", "b")]),
            ("a=b&a=c&&d", &[("a", "b"), ("a", "c"), ("d", "")]),
            ("=", &[("", "")]),
            ("=x", &[("", "x")]),
            ("a==b", &[("a", "=b")]),
            ("a+b=%2B+%20", &[("a b", "+  ")]),
            ("%C3%A9=é", &[("é", "é")]),
            ("a=%&b=%zz&c=%4", &[("a", "%"), ("b", "%zz"), ("c", "%4")]),
            ("a=%ff%C3%28", &[("a", "\u{fffd}\u{fffd}(")]),
            ("a%26b=c%3Dd", &[("a&b", "c=d")]),
            ("a;b=c#d", &[("a;b", "c#d")]),
            ("a=%EF%BB%BF", &[("a", "\u{feff}")]),
            ("a=\n\0", &[("a", "\n\0")]),
            ("&&", &[]),
            ("a=%e2%82", &[("a", "\u{fffd}")]),
        ];
        for &(text, expected) in vectors {
            assert_eq!(borrowed(&form_pairs(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn route_below_base() {
        let vectors: &[(&str, &str, &str)] = &[
            ("/api/auth/ok", "/api/auth", "/ok"),
            ("/api/auth/ok/", "/api/auth", "/ok"),
            ("/api/auth/ok//", "/api/auth/", "/ok"),
            ("/api/auth", "/api/auth", "/"),
            ("/api/auth/", "/api/auth", "/"),
            ("/api/auth//", "/api/auth", "/"),
            ("/api/auth//ok", "/api/auth", "//ok"),
            ("/api/authx/ok", "/api/auth", "/api/authx/ok"),
            ("/other/", "/api/auth", "/other"),
            ("/", "/api/auth", "/"),
            ("//", "/api/auth", "/"),
            ("/ok/", "/", "/ok"),
            ("/", "/", "/"),
            ("/ok", "", "/ok"),
            ("/API/auth/ok", "/api/auth", "/API/auth/ok"),
            ("/api/auth/ok", "api/auth", "/api/auth/ok"),
            ("/api/auth/api/auth", "/api/auth", "/api/auth"),
        ];
        for &(pathname, base, expected) in vectors {
            assert_eq!(route_path(pathname, base), expected, "{pathname:?} {base:?}");
        }
    }

    #[test]
    fn trims_as_javascript() {
        let white = "\t\n\u{b}\u{c}\r \u{a0}\u{1680}\u{2000}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";
        assert_eq!(trim(&format!("{white}a{white}b{white}")), format!("a{white}b"));
        assert_eq!(trim("\u{85}"), "\u{85}");
        assert_eq!(trim("\u{200b}"), "\u{200b}");
    }

    fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}
