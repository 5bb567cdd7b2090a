//! The service's answer: lines of `<the digits that follow>:<how often it was seen>`.

use serde_json::Value;
use std::borrow::Cow;

/// The largest integer that JavaScript counts by: `Number.MAX_SAFE_INTEGER`.
const MAX_COUNT: u64 = (1 << 53) - 1;

/// How often a password was seen: Better Auth's `getPasswordCompromiseCount`. Lines that are there for padding say 0.
/// `None` where what should be a number is none, and where the answer is JSON, but no text: Better Auth reads it as such
/// whatever it is said to be.
pub(super) fn count(answer: &str, suffix: &str) -> Option<u64> {
    let answer = match serde_json::from_str(answer) {
        Ok(Value::String(text)) => Cow::Owned(text),
        Ok(_) => return None,
        Err(_) => Cow::Borrowed(answer),
    };
    let of_suffix = |line: &str| {
        let (digits, rest) = line.split_at_checked(suffix.len())?;
        if !digits.eq_ignore_ascii_case(suffix) { None } else { rest.strip_prefix(':').map(str::to_owned) }
    };
    let lines = answer.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let Some(text) = lines.into_iter().find_map(of_suffix) else { return Some(0) };
    let count = text.parse::<u64>().ok().filter(|count| *count <= MAX_COUNT)?;
    // As it would be written: no sign, no zero before it.
    (count.to_string() == text).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::count;

    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

    #[test]
    fn the_line_of_a_suffix_is_found() {
        let of = |text: &str| count(&text.replace('@', SUFFIX), SUFFIX);
        for (answer, found) in [
            ("", Some(0)),
            ("@:3", Some(3)),
            ("@:0", Some(0)),
            ("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n@:9545824\r\nFF:2", Some(9_545_824)),
            ("0018A45C4D1DEF81644B54AB7F969B88D65:1\n@:12\n", Some(12)),
            ("@:9007199254740991", Some(9_007_199_254_740_991)),
            ("@:9007199254740992", None),
            ("@:", None),
            ("@:+1", None),
            ("@:01", None),
            ("@: 1", None),
            ("@:1 ", None),
            ("@:1.5", None),
            ("@:-1", None),
            ("null", None),
            ("5", None),
            (r#"{"error":"try later"}"#, None),
            ("\"@:1\"", Some(1)),
            ("<html></html>", Some(0)),
            ("@:x\n@:1", None),
            ("@:1\n@:x", Some(1)),
            ("@1", Some(0)),
            (" @:1", Some(0)),
            ("@\u{e9}:1", Some(0)),
            ("\u{e9}@:1", Some(0)),
        ] {
            assert_eq!(of(answer), found, "{answer}");
        }
        assert_eq!(count(&format!("{}:7", SUFFIX.to_lowercase()), SUFFIX), Some(7));
        // A character that ends where no other begins.
        assert_eq!(count(&format!("{}\u{e9}:1", &SUFFIX[..34]), SUFFIX), Some(0));
    }
}
