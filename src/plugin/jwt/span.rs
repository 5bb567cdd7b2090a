//! Spans of time as Better Auth's options have them: `15m`, `1 hour`, `2 days ago`.

/// The whole seconds of a span, negative for one that is past: Better Auth's `sec`. `None` for what it doesn't read.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (rest, sign) = match text.as_bytes().first()? {
        b'+' => (&text[1..], Some(false)),
        b'-' => (&text[1..], Some(true)),
        _ => (text, None),
    };
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let mut parts = number.split('.');
    let is_number = parts.clone().count() <= 2 && parts.all(|part| !part.is_empty());
    let number: f64 = number.parse().ok().filter(|_| is_number)?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let (unit, direction) = rest.split_once(' ').map_or((rest, None), |(unit, way)| (unit, Some(way)));
    let is_past = match (sign, direction.map(str::to_ascii_lowercase).as_deref()) {
        (Some(sign), None) => sign,
        (None, None | Some("from now")) => false,
        // JavaScript asks for small letters here, and takes others for a time to come.
        (None, Some("ago")) => direction == Some("ago"),
        _ => return None,
    };
    let unit = match unit.to_ascii_lowercase().as_str() {
        "years" | "year" | "yrs" | "yr" | "y" => 31_557_600.0,
        "months" | "month" | "mo" => 2_592_000.0,
        "weeks" | "week" | "w" => 604_800.0,
        "days" | "day" | "d" => 86_400.0,
        "hours" | "hour" | "hrs" | "hr" | "h" => 3_600.0,
        "minutes" | "minute" | "mins" | "min" | "m" => 60.0,
        "seconds" | "second" | "secs" | "sec" | "s" => 1.0,
        _ => return None,
    };
    let milliseconds = if is_past { -number } else { number } * unit * 1_000.0;
    // JavaScript rounds a half up.
    let seconds = (milliseconds / 1_000.0 + 0.5).floor();
    // As far as a double has whole numbers.
    #[allow(clippy::cast_possible_truncation, reason = "a whole number that fits")]
    (seconds.abs() <= 9_007_199_254_740_991.0).then_some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn spans_are_better_auths() {
        for (text, expected) in [
            ("15m", 900),
            ("1 hour", 3_600),
            ("1.5 hours", 5_400),
            ("+ 2 d", 172_800),
            ("-30s", -30),
            ("2 hours ago", -7_200),
            ("2 hours AGO", 7_200),
            ("2 hours from now", 7_200),
            ("1y", 31_557_600),
            ("1mo", 2_592_000),
            ("2 Weeks", 1_209_600),
            ("0.5s", 1),
            ("0s", 0),
            ("-0.5s", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            " ",
            "15",
            "m",
            "15 ",
            "15  m",
            "1.m",
            ".5m",
            "1.2.3m",
            "1e3s",
            "-2h ago",
            "15m later",
            "15m ",
            "fifteen minutes",
            "1 fortnight",
            "é",
            "- 5",
            "99999999999999999999y",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
