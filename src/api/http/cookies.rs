//! The Cookie header and the Set-Cookie header.

use std::collections::HashMap;

use super::location::{decode_uri_component, trim};
use crate::settings::SameSite;

/// How large a cookie may be with its name and attributes: a little less than the least that a browser takes.
const MAX_COOKIE_SIZE: usize = 4050;
/// How many chunks a value may have.
const MAX_CHUNKS: usize = 100;
/// Better-call refuses a cookie that lives longer: 400 days.
const MAX_AGE: i64 = 34_560_000;

/// Better-call's `parseCookies`, which takes the first of a name: the first comes first here.
pub(crate) fn parse(header: &str) -> Vec<(String, String)> {
    let pairs = header.split(';').filter_map(|part| part.split_once('='));
    pairs
        .map(|(name, value)| (trim(name), trim(value)))
        .map(|(name, value)| (name.to_owned(), try_decode(unquote_blindly(value))))
        .collect()
}

/// Takes the last character for the closing quote, whatever it is.
fn unquote_blindly(value: &str) -> &str {
    match value.strip_prefix('"') {
        Some(rest) => {
            let mut characters = rest.chars();
            characters.next_back();
            characters.as_str()
        }
        None => value,
    }
}

/// Better Auth's own `parseCookies`: leaves out names and values that the standards forbid. The last of a
/// name counts, at the place of the first.
pub(crate) fn parse_strict(header: &str) -> Vec<(String, String)> {
    let mut cookies: Vec<(String, String)> = Vec::new();
    let mut places = HashMap::new();
    for (name, value) in header.split(';').filter_map(|part| part.split_once('=')) {
        let (name, value) = (name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        if !is_name(name) || !is_value(value) {
            continue;
        }
        let place = *places.entry(name).or_insert(cookies.len());
        match cookies.get_mut(place) {
            Some(cookie) => cookie.1 = try_decode(value),
            None => cookies.push((name.to_owned(), try_decode(value))),
        }
    }
    cookies
}

/// Better Auth's `cookieNameRegex`.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Better Auth's `cookieValueRegex`.
fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b';' | b'\\'))
}

/// What can't be decoded is meant literally.
fn try_decode(value: &str) -> String {
    decode_uri_component(value).unwrap_or_else(|| value.to_owned())
}

fn same_site_name(same_site: SameSite) -> &'static str {
    match same_site {
        SameSite::Lax => "Lax",
        SameSite::Strict => "Strict",
        SameSite::None => "None",
    }
}

/// The attributes of a cookie that Better Auth sets.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    /// Seconds; without, or negative, the cookie lives as long as the browser.
    pub max_age: Option<i64>,
    /// Without, only the host that set the cookie gets it back.
    pub domain: Option<String>,
    /// Where on the host the cookie is sent.
    pub path: String,
    /// Hidden from scripts.
    pub http_only: bool,
    /// Only sent over TLS.
    pub secure: bool,
    /// Sent from other sites.
    pub same_site: SameSite,
}

/// Better-call's `resolveCookie` and `serializeCookieValue`: the value of a Set-Cookie header. A `Max-Age`
/// beyond 400 days, where better-call throws, becomes 400 days.
pub(crate) fn serialize(name: &str, encoded_value: &str, attributes: &Attributes) -> String {
    let host_only = has_prefix(name, "__Host-");
    let secure = attributes.secure
        || host_only
        || has_prefix(name, "__Secure-")
        || attributes.same_site == SameSite::None;
    let domain = attributes.domain.as_deref().filter(|_| !host_only).unwrap_or_default();
    let path = if host_only { "/" } else { &attributes.path };

    let mut cookie = format!("{name}={encoded_value}");
    if let Some(max_age) = attributes.max_age.filter(|&max_age| max_age >= 0) {
        cookie.push_str(&format!("; Max-Age={}", max_age.min(MAX_AGE)));
    }
    for (attribute, value) in [("Domain", domain), ("Path", path)] {
        if !value.is_empty() {
            cookie.push_str(&format!("; {attribute}={value}"));
        }
    }
    if attributes.http_only {
        cookie.push_str("; HttpOnly");
    }
    if secure {
        cookie.push_str("; Secure");
    }
    cookie.push_str("; SameSite=");
    cookie.push_str(same_site_name(attributes.same_site));
    cookie
}

/// Browsers heed these prefixes in any case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Better Auth's `chunkCookie`: the cookies that hold the value, which is not encoded yet. One of the same
/// name where it fits, numbered ones otherwise; `None` where even a hundred don't hold it.
pub(crate) fn chunks(name: &str, value: &str, attributes: &Attributes) -> Option<Vec<(String, String)>> {
    let overhead = serialize(&format!("{name}.99"), "", attributes).encode_utf16().count();
    let size = MAX_COOKIE_SIZE.checked_sub(overhead).filter(|&size| size > 0)?;
    let units: Vec<u16> = value.encode_utf16().collect();
    match units.len().div_ceil(size) {
        0 | 1 => Some(vec![(name.to_owned(), value.to_owned())]),
        2..=MAX_CHUNKS => {
            let cookie = |(index, chunk)| (format!("{name}.{index}"), String::from_utf16_lossy(chunk));
            Some(units.chunks(size).enumerate().map(cookie).collect())
        }
        _ => None,
    }
}

/// Better Auth's `parseCookieChunkIndex`: the number of a chunk of this cookie, `None` for other cookies and for
/// numbers that no chunk has.
pub(crate) fn chunk_index(cookie_name: &str, name: &str) -> Option<u32> {
    let digits = name.strip_prefix(cookie_name)?.strip_prefix('.')?;
    let index = digits.parse::<u32>().ok()?;
    // Only as a number is written: no sign, no zeros in front.
    (index.to_string() == digits && (index as usize) < MAX_CHUNKS).then_some(index)
}

#[cfg(test)]
mod tests {
    //! The vectors are what Better Auth 1.7.25 answers under Node 20.

    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn usual() -> Attributes {
        Attributes {
            max_age: None,
            domain: None,
            path: "/".to_owned(),
            http_only: true,
            secure: false,
            same_site: SameSite::Lax,
        }
    }

    fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn parses_both_ways() {
        let vectors: &[(&str, Pairs, Pairs)] = &[
            ("", &[], &[]),
            ("a", &[], &[]),
            ("=", &[("", "")], &[]),
            ("a=", &[("a", "")], &[("a", "")]),
            ("a=1", &[("a", "1")], &[("a", "1")]),
            ("a=1; b=2", &[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "2")]),
            ("a=1;b=2;a=3", &[("a", "1"), ("b", "2"), ("a", "3")], &[("a", "3"), ("b", "2")]),
            (" a = 1 ; b=2", &[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "2")]),
            ("a=1;;b=2;", &[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "2")]),
            ("x; a=1", &[("a", "1")], &[("a", "1")]),
            ("a=1; x; y; b=2", &[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "2")]),
            ("a=b=c", &[("a", "b=c")], &[("a", "b=c")]),
            ("=x", &[("", "x")], &[]),
            (" =x; a=1", &[("", "x"), ("a", "1")], &[("a", "1")]),
            ("a=\"q\"", &[("a", "q")], &[("a", "q")]),
            ("a=\"\"", &[("a", "")], &[("a", "")]),
            ("a=\"", &[("a", "")], &[]),
            ("a=\"abc", &[("a", "ab")], &[]),
            ("a=abc\"", &[("a", "abc\"")], &[]),
            ("a=\" q \"", &[("a", " q ")], &[("a", " q ")]),
            ("a=\"a%22b\"", &[("a", "a\"b")], &[("a", "a\"b")]),
            ("a=%20%C3%A9", &[("a", " é")], &[("a", " é")]),
            ("a=%zz", &[("a", "%zz")], &[("a", "%zz")]),
            ("a=%", &[("a", "%")], &[("a", "%")]),
            ("a=100%", &[("a", "100%")], &[("a", "100%")]),
            ("a=%ff", &[("a", "%ff")], &[("a", "%ff")]),
            ("a%20=1", &[("a%20", "1")], &[("a%20", "1")]),
            ("a=x\ty", &[("a", "x\ty")], &[]),
            ("\ta\t=\t1\t", &[("a", "1")], &[("a", "1")]),
            ("a=1\r\n", &[("a", "1")], &[]),
            ("\u{feff}a=1", &[("a", "1")], &[]),
            ("\u{85}a=1\u{85}", &[("\u{85}a", "1\u{85}")], &[]),
            ("a=\u{a0}1", &[("a", "1")], &[]),
            ("a=a b,c", &[("a", "a b,c")], &[("a", "a b,c")]),
            ("a=a\\b", &[("a", "a\\b")], &[]),
            ("a=a\"b", &[("a", "a\"b")], &[]),
            ("é=1", &[("é", "1")], &[]),
            ("a=é", &[("a", "é")], &[]),
            ("a=%C3%A9é", &[("a", "éé")], &[]),
            ("a b=1", &[("a b", "1")], &[]),
            ("a/b=1", &[("a/b", "1")], &[]),
            ("a=\u{1}", &[("a", "\u{1}")], &[]),
            ("__proto__=1", &[("__proto__", "1")], &[("__proto__", "1")]),
            ("!#$%&'*+-.^_`|~=1", &[("!#$%&'*+-.^_`|~", "1")], &[("!#$%&'*+-.^_`|~", "1")]),
            (
                "better-auth.session_token=tok.si%2Bg%3D; better-auth.session_data.0=x",
                &[("better-auth.session_token", "tok.si+g="), ("better-auth.session_data.0", "x")],
                &[("better-auth.session_token", "tok.si+g="), ("better-auth.session_data.0", "x")],
            ),
            ("a=1; A=2", &[("a", "1"), ("A", "2")], &[("a", "1"), ("A", "2")]),
            (
                "a=1; b=2; a=3; a=%zz",
                &[("a", "1"), ("b", "2"), ("a", "3"), ("a", "%zz")],
                &[("a", "%zz"), ("b", "2")],
            ),
            ("a=\u{7f}", &[("a", "\u{7f}")], &[]),
            ("a=1,b=2", &[("a", "1,b=2")], &[("a", "1,b=2")]),
        ];
        for &(header, loose, strict) in vectors {
            assert_eq!(borrowed(&parse(header)), loose, "{header:?}");
            assert_eq!(borrowed(&parse_strict(header)), strict, "{header:?} strictly");
        }
    }

    #[test]
    fn serializes() {
        for (name, value, attributes, expected) in [
            ("a", "1", usual(), "a=1; Path=/; HttpOnly; SameSite=Lax"),
            (
                "a",
                "",
                Attributes { max_age: Some(0), ..usual() },
                "a=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
            ),
            (
                "a",
                "1",
                Attributes { max_age: Some(604800), secure: true, ..usual() },
                "a=1; Max-Age=604800; Path=/; HttpOnly; Secure; SameSite=Lax",
            ),
            ("a", "1", Attributes { max_age: Some(-1), ..usual() }, "a=1; Path=/; HttpOnly; SameSite=Lax"),
            (
                "a",
                "1",
                Attributes { max_age: Some(34560000), ..usual() },
                "a=1; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax",
            ),
            (
                "a",
                "1",
                Attributes { domain: Some("good.com".to_owned()), path: "/api".to_owned(), ..usual() },
                "a=1; Domain=good.com; Path=/api; HttpOnly; SameSite=Lax",
            ),
            (
                "a",
                "1",
                Attributes { domain: Some("".to_owned()), path: "".to_owned(), ..usual() },
                "a=1; HttpOnly; SameSite=Lax",
            ),
            (
                "a",
                "1",
                Attributes { http_only: false, same_site: SameSite::Strict, ..usual() },
                "a=1; Path=/; SameSite=Strict",
            ),
            (
                "a",
                "1",
                Attributes { same_site: SameSite::None, ..usual() },
                "a=1; Path=/; HttpOnly; Secure; SameSite=None",
            ),
            ("__Secure-a", "1", usual(), "__Secure-a=1; Path=/; HttpOnly; Secure; SameSite=Lax"),
            ("__secure-a", "1", usual(), "__secure-a=1; Path=/; HttpOnly; Secure; SameSite=Lax"),
            (
                "__Host-a",
                "1",
                Attributes { domain: Some("good.com".to_owned()), path: "/api".to_owned(), ..usual() },
                "__Host-a=1; Path=/; HttpOnly; Secure; SameSite=Lax",
            ),
            (
                "__HOST-a",
                "1",
                Attributes { max_age: Some(5), ..usual() },
                "__HOST-a=1; Max-Age=5; Path=/; HttpOnly; Secure; SameSite=Lax",
            ),
            ("x__Host-a", "1", usual(), "x__Host-a=1; Path=/; HttpOnly; SameSite=Lax"),
            ("__Host", "1", usual(), "__Host=1; Path=/; HttpOnly; SameSite=Lax"),
            ("é", "1", usual(), "é=1; Path=/; HttpOnly; SameSite=Lax"),
            (
                "a",
                "1",
                Attributes {
                    max_age: Some(5),
                    domain: Some("good.com".to_owned()),
                    secure: true,
                    same_site: SameSite::None,
                    ..usual()
                },
                "a=1; Max-Age=5; Domain=good.com; Path=/; HttpOnly; Secure; SameSite=None",
            ),
        ] {
            assert_eq!(serialize(name, value, &attributes), expected);
        }
    }

    #[test]
    fn serializes_at_most_400_days() {
        let attributes = Attributes { max_age: Some(34_560_001), ..usual() };
        assert_eq!(serialize("a", "1", &attributes), "a=1; Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn chunks_where_too_large() {
        let name = "better-auth.session_data";
        let attributes = Attributes { max_age: Some(300), ..usual() };
        // What Better Auth leaves for a value with this name and these attributes.
        let size = 3977;
        for (length, expected) in [
            (0, Some(1)),
            (size, Some(1)),
            (size + 1, Some(2)),
            (2 * size, Some(2)),
            (100 * size, Some(100)),
            (100 * size + 1, None),
        ] {
            let value = "x".repeat(length);
            assert_eq!(chunks(name, &value, &attributes).map(|chunks| chunks.len()), expected, "{length}");
        }
        assert_eq!(chunks(name, "x", &attributes), Some(vec![(name.to_owned(), "x".to_owned())]));
        let value = "x".repeat(size) + "yz";
        let expected = vec![(format!("{name}.0"), "x".repeat(size)), (format!("{name}.1"), "yz".to_owned())];
        assert_eq!(chunks(name, &value, &attributes), Some(expected));
        assert_eq!(chunks(&"x".repeat(4050), "x", &attributes), None);
    }

    #[test]
    fn chunk_index_of() {
        let vectors: &[(&str, Option<u32>)] = &[
            ("a.0", Some(0)),
            ("a.1", Some(1)),
            ("a.99", Some(99)),
            ("a.100", None),
            ("a.4294967295", None),
            ("a", None),
            ("a.", None),
            ("b.0", None),
            ("a.01", None),
            ("a.+1", None),
            ("a.-0", None),
            ("a.-1", None),
            ("a.1e3", None),
            ("a.1.0", None),
            ("a.0x1", None),
            ("a. 1", None),
            ("a.٣", None),
            ("a.NaN", None),
            ("a.b.1", None),
            ("aa.1", None),
            ("a-1", None),
        ];
        for &(name, expected) in vectors {
            assert_eq!(chunk_index("a", name), expected, "{name:?}");
        }
    }
}
