//! Which origins, callback URLs and hosts are trusted.

use std::borrow::Cow;
use url::{Url, quirks};

use super::{address, location};

/// Better Auth's `matchesOriginPattern`: whether the URL belongs to the origin, or fits the pattern.
pub(super) fn matches(url: &str, pattern: &str, allow_relative: bool) -> bool {
    if url.starts_with('/') {
        return allow_relative && is_safe_relative(url);
    }
    let Some(parsed) = location::parse(url, None) else { return false };
    let wildcards = pattern.contains(['*', '?']);
    if wildcards && !pattern.contains("://") {
        let host = quirks::host(&parsed);
        return !host.is_empty() && glob(pattern, host) && admits_host(pattern, host);
    }
    if !is_web(&parsed) {
        return matches_custom(url, pattern, wildcards);
    }
    let origin = parsed.origin().ascii_serialization();
    if wildcards {
        glob(pattern, &origin) && admits_host(after_scheme(pattern), after_scheme(&origin))
    } else {
        pattern == origin
    }
}

/// What `matchesOriginPattern` does with schemes other than HTTP's, such as `myapp://callback`.
fn matches_custom(url: &str, pattern: &str, wildcards: bool) -> bool {
    let (Some(url), Some(pattern)) = (Custom::parse(url, false), Custom::parse(pattern, wildcards)) else {
        return false;
    };
    if url.scheme != pattern.scheme {
        return false;
    }
    let (any_authority, any_path) = (pattern.authority.is_empty(), pattern.path.is_empty());
    if wildcards {
        let fits =
            |authority| glob(&pattern.authority, authority) && admits_host(&pattern.authority, authority);
        let path = if url.path.is_empty() { "/" } else { &url.path };
        !url.authority.contains('@')
            && (any_authority || fits(&url.authority))
            && (any_path || glob(&pattern.path, path))
    } else {
        let below = url.path.strip_prefix(&pattern.path);
        (any_authority || url.authority == pattern.authority)
            && (any_path || below.is_some_and(|below| below.is_empty() || below.starts_with('/')))
    }
}

/// A URL of a scheme that the URL standard does not know, taken apart as text, because engines differ.
struct Custom {
    scheme: String,
    authority: String,
    path: String,
}

impl Custom {
    /// Better Auth's `parseCustomSchemeOrigin`. In a pattern with wildcards a `?` begins no query.
    fn parse(value: &str, wildcards: bool) -> Option<Self> {
        if value.contains(char::is_control) {
            return None;
        }
        let (scheme, rest) = value.split_once(':').filter(|(scheme, _)| !scheme.is_empty())?;
        let path_end: &[char] = if wildcards { &['#'] } else { &['?', '#'] };
        let rest = rest.split(path_end).next()?;
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
            None => ("", rest),
        };
        Some(Self {
            scheme: scheme.to_lowercase(),
            authority: authority.to_lowercase(),
            path: normalize_path(path),
        })
    }
}

/// Better Auth's `normalizePath`: decoded and without `.` and `..`, so that no path leaves the one that a
/// pattern names; empty for the root.
fn normalize_path(path: &str) -> String {
    let decoded = location::decode_uri_component(path);
    let mut segments = Vec::new();
    for segment in decoded.as_deref().unwrap_or(path).split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    segments.iter().flat_map(|segment| ["/", segment]).collect()
}

/// Better Auth's `isSafeRelativeURL`: a path on this server that no browser or proxy takes for more.
fn is_safe_relative(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
    !url.contains('\\')
        && !url.contains(char::is_control)
        && !path.contains("%2f")
        && !path.contains("%5c")
        && location::on_this_server(url).is_some()
}

/// Better Auth's `isAllowedIPv4Host`: a pattern of digits and wildcards names a range of addresses, so
/// `192.168.*.*` must not admit `192.168.example.com`.
fn admits_host(pattern: &str, authority: &str) -> bool {
    let pattern = before_colon(pattern);
    let is_range = pattern.contains(|c: char| c.is_ascii_digit())
        && pattern.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '?' | '.'));
    !is_range || address::is_ipv4(before_colon(authority))
}

/// A URL as text that whoever is sent there reads in one way only: as it was written, or, where readers differ
/// (backslashes, dots, a host in capitals), as the URL standard reads it. `None` where it leads nowhere, or off
/// this server though it begins with a slash.
pub(super) fn settle(url: &str) -> Option<Cow<'_, str>> {
    if url.starts_with('/') {
        let parsed = location::on_this_server(url).filter(|parsed| !parsed.path().starts_with("//"))?;
        let path = url.split(['?', '#']).next().unwrap_or(url);
        return Some(match has_dots(path) || path.contains('\\') {
            true => Cow::Owned(location::without_origin(&parsed).to_owned()),
            false => Cow::Borrowed(url),
        });
    }
    let parsed = location::parse(url, None)?;
    let is_plain = match is_web(&parsed) {
        true => url.strip_prefix(&parsed.origin().ascii_serialization()).is_some_and(|rest| {
            (rest.is_empty() || rest.starts_with(['/', '?', '#']))
                && !rest.contains('\\')
                && !has_dots(rest.split(['?', '#']).next().unwrap_or(rest))
        }),
        // Readers of other schemes compare text.
        false => !url.starts_with(char::is_whitespace) && !url.ends_with(char::is_whitespace),
    };
    Some(if is_plain { Cow::Borrowed(url) } else { Cow::Owned(parsed.into()) })
}

/// Whether a path has segments that stand for others.
fn has_dots(path: &str) -> bool {
    path.split('/').any(|part| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

fn before_colon(authority: &str) -> &str {
    authority.split_once(':').map_or(authority, |(host, _)| host)
}

fn after_scheme(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, rest)| rest)
}

/// Better Auth's `wildcardMatch`: `?` is one character and `*` any number of them within a segment between
/// slashes, `**` as a segment any number of segments; a backslash takes the next character literally. One
/// slash may stand for several, and backslashes count as slashes in the text. A character is a UTF-16 unit,
/// as in the regular expression that Better Auth makes. Takes time for pattern times text, at most.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    // For each position in the text: the unit before it, and whether the pattern so far can end there.
    let mut positions = vec![(None, true)];
    positions.extend(text.encode_utf16().map(|unit| (Some(unit), false)));
    for step in steps(pattern) {
        // Of the position before: whether it was reached without this step, and with it.
        let (mut without, mut with) = (false, false);
        for (unit, reached) in &mut positions {
            let was_reached = *reached;
            *reached = match step {
                Step::One(class) => without && unit.is_some_and(|unit| class.has(unit)),
                Step::Many(class) => was_reached || with && unit.is_some_and(|unit| class.has(unit)),
                Step::SegmentStart => was_reached && unit.is_none_or(|unit| Class::Slash.has(unit)),
            };
            (without, with) = (was_reached, *reached);
        }
    }
    positions.last().is_some_and(|&(_, reached)| reached)
}

/// A piece of a glob pattern.
#[derive(Clone, Copy)]
enum Step {
    One(Class),
    /// Any number, also none.
    Many(Class),
    /// Takes nothing: the text's start, or behind a slash.
    SegmentStart,
}

/// A set of UTF-16 units.
#[derive(Clone, Copy)]
enum Class {
    Any,
    Only(u16),
    Slash,
    NoSlash,
}

impl Class {
    fn has(self, unit: u16) -> bool {
        let is_slash = unit == u16::from(b'/') || unit == u16::from(b'\\');
        match self {
            Self::Any => true,
            Self::Only(only) => unit == only,
            Self::Slash => is_slash,
            Self::NoSlash => !is_slash,
        }
    }
}

/// Better Auth's `transform`, which makes the regular expression.
fn steps(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut segments = pattern.split('/').peekable();
    let mut first = true;
    while let Some(segment) = segments.next() {
        let at_start = std::mem::take(&mut first);
        if segment.is_empty() && !at_start {
            continue;
        }
        let slashes: &[Step] = match segments.peek() {
            None => &[Step::Many(Class::Slash)],
            // It brings its own.
            Some(&"**") => &[],
            Some(_) => &[Step::One(Class::Slash), Step::Many(Class::Slash)],
        };
        if segment != "**" {
            steps.extend(segment_steps(segment));
            steps.extend(slashes);
        } else if !slashes.is_empty() {
            if !at_start {
                steps.extend(slashes);
            }
            steps.push(Step::Many(Class::Any));
            if segments.peek().is_some() {
                steps.push(Step::SegmentStart);
            }
        }
    }
    steps
}

fn segment_steps(segment: &str) -> impl Iterator<Item = Step> {
    let mut units = segment.encode_utf16();
    std::iter::from_fn(move || {
        let unit = units.next()?;
        Some(match char::from_u32(unit.into()) {
            Some('*') => Step::Many(Class::NoSlash),
            Some('?') => Step::One(Class::NoSlash),
            // One at the very end stands for nothing.
            Some('\\') => Step::One(Class::Only(units.next()?)),
            _ => Step::One(Class::Only(unit)),
        })
    })
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Better Auth's `isLoopbackHost`, only for what [`is_valid_proxy_host`] admits: by itself it takes
/// `localhost%2eexample.com` for the local host, and a URL made from that leads elsewhere.
pub(super) fn is_loopback(host_and_port: &str) -> bool {
    if !is_valid_proxy_host(host_and_port) {
        return false;
    }
    let host = without_port(host_and_port).to_ascii_lowercase();
    match address::parse(host.trim_matches(['[', ']'])) {
        Some(address) => address.is_loopback(),
        None => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Better Auth's `validateProxyHeader` for a host.
pub(super) fn is_valid_proxy_host(host: &str) -> bool {
    let lower = host.to_ascii_lowercase();
    if ["javascript:", "file:", "data:"].iter().any(|scheme| lower.contains(scheme)) {
        return false;
    }
    let name = without_port(host);
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':'),
        None => name.split('.').all(is_label),
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    //! The vectors are what Better Auth 1.7.25 answers under Node 20.

    use super::*;

    #[test]
    fn url_belongs_to_pattern() {
        for (url, pattern) in [
            ("https://good.com", "https://good.com"),
            ("https://good.com/a/b?c#d", "https://good.com"),
            ("https://good.com:443/x", "https://good.com"),
            ("HTTPS://GOOD.com", "https://good.com"),
            (" https://good.com\n", "https://good.com"),
            ("ht\ttps://go\nod.com", "https://good.com"),
            ("https:good.com", "https://good.com"),
            ("https:\\\\good.com\\x", "https://good.com"),
            ("https://user:pw@good.com", "https://good.com"),
            ("https://good%2ecom", "https://good.com"),
            ("https://ｇood.com", "https://good.com"),
            ("https://bücher.de/x", "https://xn--bcher-kva.de"),
            ("https://BÜCHER.de", "https://xn--bcher-kva.de"),
            ("https://good.com\\@evil.com", "https://good.com"),
            ("https://a.good.com", "https://*.good.com"),
            ("https://a.b.good.com:443/x", "https://*.good.com"),
            ("https://x@a.good.com", "https://*.good.com"),
            ("https://a.good.com", "*.good.com"),
            ("http://a.good.com/x", "*.good.com"),
            ("myapp://a.good.com/x", "*.good.com"),
            ("https://a.good.com:3000", "*.good.com:*"),
            ("http://192.168.1.5", "192.168.*.*"),
            ("http://192.168.1.5:3000/x", "192.168.*.*:*"),
            ("http://10.1", "10.*"),
            ("http://0xc0.0xa8.1.5", "192.168.*.*"),
            ("http://192.168.1.5:3000", "http://192.168.*.*:*"),
            ("http://localhost:3000", "http://localhost:*"),
            ("http://[::1]:3000", "http://[*]:3000"),
            ("https://preview-7.good.com", "https://preview-?.good.com"),
            ("https://good.com", "*://good.com"),
            ("https://good.com", "http*://good.com"),
            ("https://good.com", "**"),
            ("https://good.com", "https://*"),
            ("myapp://callback", "myapp://"),
            ("myapp:callback", "myapp:"),
            ("MyApp://Host/Cb", "myapp://host/Cb"),
            ("myapp://host/cb/x?y#z", "myapp://host/cb"),
            ("myapp://host//cb/./x", "myapp://host/cb"),
            ("myapp://host/%63b", "myapp://host/cb"),
            ("myapp://host/cb/%zz/..", "myapp://host/cb"),
            ("myapp://host/cb/%zz/%2e%2e", "myapp://host/cb"),
            ("myapp://a/b", "myapp://*"),
            ("myapp://", "myapp://*"),
            ("exp://10.0.0.1:8081/--/x/y", "exp://*/**"),
            ("exp://10.0.0.1:8081", "exp://*/**"),
            ("exp://192.168.1.5:8081/--/x", "exp://192.168.*.*:*/**"),
            ("myapp://host/a", "myapp://host/*"),
            ("myapp://host/a/../b", "myapp://host/?"),
            ("myapp://host/a?b", "myapp://host/?"),
            ("myapp://a\\b@host/x", "myapp:"),
            ("javascript://good.com/%0aalert(1)", "javascript://*"),
            ("file:///etc/passwd", "file://"),
            ("ftp://a.good.com", "ftp://*.good.com"),
        ] {
            assert!(matches(url, pattern, true), "{url:?} {pattern:?}");
        }
        for (url, pattern) in [
            ("https://good.com@evil.com", "https://good.com"),
            ("https://good.com:x@evil.com", "https://good.com"),
            ("https://good.com%40evil.com", "https://good.com"),
            ("https://good.com.evil.com", "https://good.com"),
            ("https://good.com.", "https://good.com"),
            ("https://good.com:8443", "https://good.com"),
            ("http://good.com", "https://good.com"),
            ("https://good.com", "https://good.com/"),
            ("https://good.com", "https://GOOD.com"),
            ("https://good.com", "good.com"),
            ("https://bücher.de", "https://bücher.de"),
            ("", ""),
            ("", "*"),
            ("null", "null"),
            ("good.com", "https://good.com"),
            ("https://", "*"),
            ("https://good.com:65536", "*"),
            ("javascript:alert(1)", "https://good.com"),
            ("javascript:alert(1)", "*"),
            ("blob:https://good.com/x", "https://good.com"),
            ("https://good.com", "https://*.good.com"),
            ("http://a.good.com", "https://*.good.com"),
            ("https://a.good.com:8443", "https://*.good.com"),
            ("https://a.good.com.evil.com", "https://*.good.com"),
            ("https://evil.com/.good.com", "https://*.good.com"),
            ("https://evil.com?.good.com", "https://*.good.com"),
            ("https://evil.com#.good.com", "https://*.good.com"),
            ("https://evil.com\\.good.com", "https://*.good.com"),
            ("https://a.good.com@evil.com", "https://*.good.com"),
            ("https://a.good.com:3000", "*.good.com"),
            ("https://evil.com/a.good.com", "*.good.com"),
            ("data:a.good.com", "*.good.com"),
            ("myapp://a.good.com:8\\x", "*.com:8"),
            ("file:///a.good.com", "*"),
            ("http://192.168.attacker.com", "192.168.*.*"),
            ("http://10.evil.com", "10.*"),
            ("http://192.168.evil.com:3000", "http://192.168.*.*:*"),
            ("http://localhost", "http://localhost:*"),
            ("https://preview-77.good.com", "https://preview-?.good.com"),
            ("https://good.com/x", "https://good.*/"),
            ("myapp://host/cb", "myapp://host/Cb"),
            ("myapp://host/cbx", "myapp://host/cb"),
            ("myapp://host/cb/../evil", "myapp://host/cb"),
            ("myapp://host/cb/%2e%2e/evil", "myapp://host/cb"),
            ("myapp://host/cb%2f..%2fevil", "myapp://host/cb"),
            ("myapp://evil/cb", "myapp://host/cb"),
            ("myapp://host@evil/cb", "myapp://host/cb"),
            ("myapp://x@host/cb", "myapp://host/cb"),
            ("other://host", "myapp://"),
            ("myapp://ho\tst/cb", "myapp://host/cb"),
            ("myapp://ho\u{85}st", "myapp://"),
            ("myapp://host/cb", "myapp://host/cb?x=1#y"),
            ("myapp://x@a", "myapp://*"),
            ("exp://192.168.evil.com:8081/--/x", "exp://192.168.*.*:*/**"),
            ("exp://192.168.1.5:80\\81/a", "exp://192.168.*.*:*/**"),
            ("myapp://host/a/b", "myapp://host/*"),
            ("myapp://host/ab", "myapp://host/?"),
        ] {
            assert!(!matches(url, pattern, true), "{url:?} {pattern:?}");
        }
    }

    #[test]
    fn relative_url() {
        for url in
            ["/", "/a", "/a/b?c=d#e", "/a?x=%2f", "/a#%5c", "/../a", "/@evil.com", "/é", "/a:b", "/%252f"]
        {
            assert!(matches(url, "https://good.com", true), "{url:?}");
        }
        for url in [
            "//evil.com",
            "///evil.com",
            "/\\evil.com",
            "/a\\b",
            "/a?\\",
            "/%2fevil.com",
            "/%2Fevil.com",
            "/a%5Cb",
            "/\tevil",
            "/a\n",
            "/\t/evil.com",
            "/a\u{85}b",
            "/a\u{7f}",
            "/a?x#y\\",
        ] {
            assert!(!matches(url, "https://good.com", true), "{url:?}");
        }
    }

    #[test]
    fn a_url_settles_to_one_reading() {
        for url in [
            "/",
            "/a/b?c=../d#//e",
            "/é x",
            "/a//b",
            "/...",
            "/@evil.com",
            "https://good.com",
            "https://good.com?a",
            "https://good.com/é x?../#..",
            "http://localhost:3000/x",
            "myapp://cb/../x",
        ] {
            assert_eq!(settle(url).as_deref(), Some(url));
        }
        for (url, expected) in [
            ("/../a", "/a"),
            ("/a/./b/%2E%2e/c?d/../e#f", "/a/c?d/../e#f"),
            ("/a\\b", "/a/b"),
            ("HTTPS://GOOD.com:443", "https://good.com/"),
            ("https:good.com/x", "https://good.com/x"),
            ("https:\\\\good.com\\x", "https://good.com/x"),
            ("https://good.com\\@evil.com", "https://good.com/@evil.com"),
            ("https://good.com/\\evil.com", "https://good.com//evil.com"),
            ("https://evil.com@good.com/", "https://evil.com@good.com/"),
            ("https://good%2ecom/x", "https://good.com/x"),
            ("https://bücher.de/é", "https://xn--bcher-kva.de/%C3%A9"),
            ("https://good.com/a/../b", "https://good.com/b"),
            (" https://good.com ", "https://good.com/"),
            ("https://good.com:443/x", "https://good.com/x"),
        ] {
            assert_eq!(settle(url).as_deref(), Some(expected), "{url:?}");
        }
        for url in [
            "//evil.com",
            "/\\evil.com",
            "/..//evil.com",
            "/.//evil.com",
            "/%2e%2e//evil.com",
            "/%2E//evil.com",
            "/a/..//evil.com?b",
            "/a/../b/..//evil.com",
            "/..\\/evil.com",
            "/./\t/evil.com",
            "/\t/evil.com",
            "",
            "x",
            "?x",
        ] {
            assert_eq!(settle(url), None, "{url:?}");
        }
    }

    #[test]
    fn relative_url_only_where_allowed() {
        assert!(!matches("/a", "/a", false));
    }

    #[test]
    fn glob_fits() {
        for (pattern, text) in [
            ("", ""),
            ("a", "a"),
            ("*", ""),
            ("*", "abc.d"),
            ("*", "a\nb"),
            ("a*c", "abbc"),
            ("a*c", "ac"),
            ("a*b*c", "abxbc"),
            ("?", "a"),
            ("?", "é"),
            ("??", "😀"),
            ("\\*", "*"),
            ("\\?", "?"),
            ("\\\\", "\\"),
            ("\\a", "a"),
            ("a\\", "a"),
            ("a\\", "a\\"),
            ("[a]", "[a]"),
            ("a/b", "a/b"),
            ("a/b", "a\\b"),
            ("a/b", "a//b"),
            ("a//b", "a/b"),
            ("a", "a/"),
            ("a", "a\\/"),
            ("/a", "/a"),
            ("/", "/"),
            ("a/", "a/"),
            ("/a/*", "/a/b"),
            ("/a/*", "/a/"),
            ("/a/**", "/a"),
            ("/a/**", "/a/b/c"),
            ("/a/**", "/ab"),
            ("**", ""),
            ("**", "a/b\n"),
            ("**/a", "a"),
            ("**/a", "x/y/a"),
            ("/**/a", "/x/y/a"),
            ("/**/a", "/a"),
            ("a/**/b", "a/b"),
            ("a/**/b", "a/x/y/b"),
            ("a/**/**/b", "a/x/b"),
            ("**/**", "a/b"),
            ("a**", "abc"),
            ("http://localhost:*", "http://localhost:3000"),
            ("https://*.good.com", "https://a.b.good.com"),
        ] {
            assert!(glob(pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in [
            ("a", "b"),
            ("*", "a/b"),
            ("*", "a\\b"),
            ("a*c", "abd"),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            ("?", ""),
            ("?", "/"),
            ("?", "😀"),
            ("\\*", "a"),
            ("a.c", "abc"),
            ("a/b", "ab"),
            ("/a", "a"),
            ("/", ""),
            ("a/", "a"),
            ("/a/*", "/a"),
            ("/a/*", "/a/b/c"),
            ("**/a", "xa"),
            ("a/**/b", "a/xb"),
            ("a/**/b", "ab"),
            ("a**", "a/b"),
        ] {
            assert!(!glob(pattern, text), "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn glob_takes_no_exponential_time() {
        assert!(!glob(&("*a/**/".repeat(40) + "b"), &"a/".repeat(2000)));
        assert!(!glob(&"*a".repeat(40), &"a".repeat(2000).replace("aaaa", "aaab")));
    }

    #[test]
    fn loopback() {
        for host in [
            "localhost",
            "localhost:3000",
            "LOCALHOST",
            "a.localhost",
            "a.b.localhost:80",
            "127.0.0.1",
            "127.255.0.3:3000",
            "[::1]",
            "[::1]:3000",
            "[0:0::0001]",
            "[::ffff:7f00:1]",
            "[::FFFF:7F00:1]",
        ] {
            assert!(is_loopback(host), "{host:?}");
        }
        for host in [
            "",
            ":3000",
            "notlocalhost",
            "localhost.evil.com",
            "127.evil.com",
            "127.0.0.1.evil.com",
            "127.0.0.256",
            "128.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "[::]",
            "[::2]",
            "[::1",
            "::1",
            "localhost.",
            "localhost%2eevil.com",
            "localhost:@evil.com",
            "localhost/evil.com",
            "localhost:123456",
            "good.com",
        ] {
            assert!(!is_loopback(host), "{host:?}");
        }
    }

    #[test]
    fn proxy_host() {
        for host in [
            "good.com",
            "GOOD.com:443",
            "a",
            "a-b.c",
            "1.2.3.4:5",
            "999.999.999.999",
            "localhost:3000",
            "[::1]",
            "[::1]:3000",
            "[:]",
            "xn--bcher-kva.de",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ] {
            assert!(is_valid_proxy_host(host), "{host:?}");
        }
        for host in [
            "",
            " ",
            "good.com ",
            "good.com\n",
            "good.com\0",
            "a..b",
            ".a",
            "a.",
            "-a",
            "a-",
            "a_b",
            "a/b",
            "a@b",
            "a\\b",
            "a,b",
            "bücher.de",
            "'a'",
            "<a>",
            "a:",
            "a:123456",
            "a:8a",
            "a:1:2",
            "[]",
            "[::1",
            "::1]",
            "[::g]",
            "[::1]x",
            "javascript:1",
            "FILE:1",
            "mydata:443",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ] {
            assert!(!is_valid_proxy_host(host), "{host:?}");
        }
    }
}
