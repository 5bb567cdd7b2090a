//! How much JSON is read of what a caller sent. It is found out before anything is made of it: a value takes 32
//! times the memory of the two bytes that it was, and an answer may have a line for each.

/// The most values that a body may have where no route takes a list of any length.
pub(crate) const FEW: usize = 1_000;
/// The most where columns of any content are set: additional fields, and what goes along with an OAuth state.
pub(crate) const MANY: usize = 16_000;
/// How deep JSON may be nested, which is what the parser takes.
pub(super) const MAX_DEPTH: usize = 127;

/// How deep a JSON text is nested, and how many values it has at most.
pub(super) fn measure(text: &str) -> (usize, usize) {
    let (mut depth, mut deepest, mut values) = (0usize, 0, 1);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    (deepest, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_values_are_counted_outside_of_strings() {
        for (json, expected) in [
            ("", (0, 1)),
            ("5", (0, 1)),
            (r#""[{,\"[{,""#, (0, 1)),
            ("[]", (1, 2)),
            ("[1,2]", (1, 3)),
            (r#"{"a":[[],[1]],"b":"],["}"#, (3, 7)),
            (r#"["\\",["\"",[]]]"#, (3, 6)),
            ("]]][", (1, 2)),
        ] {
            assert_eq!(measure(json), expected, "{json}");
        }
        assert_eq!(measure(&"[".repeat(1000)).0, 1000);
    }
}
