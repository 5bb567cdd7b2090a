//! Checks on what callers send, in the words of Better Auth's schemas (zod 4).

use serde_json::{Map, Value};

use crate::crypto::password;
use crate::error::{AuthError, Code};
use crate::settings;

/// The longest text that is taken as a name, an image, a user agent: in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Whether a text is short enough to be taken.
pub(crate) fn fits(text: &str) -> bool {
    text.len() <= MAX_TEXT
}

/// The most issues that are named, and how much of the name of a field that has one, in bytes. A request may bring
/// any number of either.
const MAX_ISSUES: usize = 20;
const MAX_NAME: usize = 4096;

/// A text that goes back to the caller who brought it: what is too long is cut.
pub(crate) fn excerpt(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_NAME)).unwrap_or_default()
}

/// One value of a request, as JSON knows it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) enum Input<'a> {
    #[default]
    Undefined,
    Null,
    Boolean(bool),
    Text(&'a str),
    /// What no route takes as a field: `number`, `array` or `object`, in zod's words.
    Other(&'static str),
}

impl<'a> From<Option<&'a str>> for Input<'a> {
    /// A SQL argument: NULL is what was left out.
    fn from(argument: Option<&'a str>) -> Self {
        argument.map_or(Self::Undefined, Self::Text)
    }
}

impl From<Option<bool>> for Input<'_> {
    fn from(argument: Option<bool>) -> Self {
        argument.map_or(Self::Undefined, Self::Boolean)
    }
}

impl<'a> From<Option<&'a Value>> for Input<'a> {
    fn from(value: Option<&'a Value>) -> Self {
        match value {
            None => Self::Undefined,
            Some(Value::Null) => Self::Null,
            Some(Value::Bool(value)) => Self::Boolean(*value),
            Some(Value::String(text)) => Self::Text(text),
            Some(Value::Number(_)) => Self::Other("number"),
            Some(Value::Array(_)) => Self::Other("array"),
            Some(Value::Object(_)) => Self::Other("object"),
        }
    }
}

impl Input<'_> {
    /// Its type in zod's words.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Text(_) => "string",
            Self::Other(kind) => kind,
        }
    }
}

/// Whether JavaScript takes a value for true.
pub(crate) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// What JavaScript's `String()` makes of a value of JSON; `None` where it throws.
pub(crate) fn js_string(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => js_number_text(number.as_f64()?),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let item = |item: &Value| if item.is_null() { Some(String::new()) } else { js_string(item) };
            items.iter().map(item).collect::<Option<Vec<_>>>()?.join(",")
        }
        // One of its own hides the one that objects have, and is no function.
        Value::Object(members) if members.contains_key("toString") => return None,
        Value::Object(_) => "[object Object]".into(),
    })
}

/// A number as JavaScript writes it.
pub(crate) fn js_number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    if number == 0.0 {
        return "0".into();
    }
    // The fewest digits that tell it from its neighbours, in both languages.
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    // How many digits stand before the point.
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let text = match point {
        _ if (length..=21).contains(&point) => digits.clone() + &zeros(point - length),
        1..=21 => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or_default());
            format!("{whole}.{fraction}")
        }
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            format!("{first}{fraction}e{:+}", point - 1)
        }
    };
    if number < 0.0 { format!("-{text}") } else { text }
}

/// What JavaScript's `Number()` makes of a text: NaN where it is none.
pub(crate) fn js_number(text: &str) -> f64 {
    let is_space = |c: char| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}';
    let text = text.trim_matches(is_space);
    let prefixed = |radix: u32| {
        let digits = text.get(2..).filter(|digits| !digits.is_empty())?;
        digits
            .chars()
            .try_fold(0.0, |sum: f64, digit| Some(sum * f64::from(radix) + f64::from(digit.to_digit(radix)?)))
    };
    match text.as_bytes() {
        [] => 0.0,
        [b'0', b'x' | b'X', ..] => prefixed(16).unwrap_or(f64::NAN),
        [b'0', b'o' | b'O', ..] => prefixed(8).unwrap_or(f64::NAN),
        [b'0', b'b' | b'B', ..] => prefixed(2).unwrap_or(f64::NAN),
        b"Infinity" | b"+Infinity" => f64::INFINITY,
        b"-Infinity" => f64::NEG_INFINITY,
        // Rust has other words for what is no number.
        bytes if bytes.iter().all(|byte| b"0123456789+-.eE".contains(byte)) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// Collects the issues of one request: Better Auth reports all of them at once, and so do we, up to a number.
pub(crate) struct Issues {
    /// `body` or `query`.
    part: &'static str,
    issues: Vec<String>,
    /// How many more there are.
    more: usize,
}

impl Issues {
    /// No issues yet with a request's `body`, or the arguments of a function.
    pub(crate) fn of_body() -> Self {
        Self { part: "body", issues: Vec::new(), more: 0 }
    }

    /// No issues yet with a request's `query`.
    pub(crate) fn of_query() -> Self {
        Self { part: "query", issues: Vec::new(), more: 0 }
    }

    /// A text that has to be there. What is not is empty from here on, and [`Issues::finish`] refuses it.
    pub(crate) fn required<'a>(&mut self, field: &str, value: Input<'a>) -> &'a str {
        match value {
            Input::Text(text) => text,
            other => {
                self.expected(field, "string", other);
                ""
            }
        }
    }

    /// A text that may be missing.
    pub(crate) fn optional<'a>(&mut self, field: &str, value: Input<'a>) -> Option<&'a str> {
        (value != Input::Undefined).then(|| self.required(field, value))
    }

    /// A text that may be missing, or null: zod's `nullish`.
    pub(crate) fn nullish<'a>(&mut self, field: &str, value: Input<'a>) -> Option<Option<&'a str>> {
        if value == Input::Null { Some(None) } else { self.optional(field, value).map(Some) }
    }

    /// An object that may be missing: zod's `kind` of object.
    pub(crate) fn optional_object<'a>(
        &mut self,
        field: &str,
        kind: &str,
        value: Option<&'a Value>,
    ) -> Option<&'a Map<String, Value>> {
        let object = value?.as_object();
        if object.is_none() {
            self.expected(field, kind, value.into());
        }
        object
    }

    /// A boolean that may be missing.
    pub(crate) fn optional_boolean(&mut self, field: &str, value: Input<'_>) -> Option<bool> {
        match value {
            Input::Undefined => None,
            Input::Boolean(value) => Some(value),
            other => {
                self.expected(field, "boolean", other);
                None
            }
        }
    }

    /// An email address that has to be there.
    pub(crate) fn email<'a>(&mut self, field: &str, value: Input<'a>) -> &'a str {
        if let Input::Text(text) = value
            && !is_email(text)
        {
            self.add(field, "Invalid email address");
        }
        self.required(field, value)
    }

    /// A text that has to be there and not be empty.
    pub(crate) fn not_empty<'a>(&mut self, field: &str, value: Input<'a>) -> &'a str {
        if value == Input::Text("") {
            self.add(field, "Too small: expected string to have >=1 characters");
        }
        self.required(field, value)
    }

    /// A value that has to be there, as a text: zod's `coerce.string()`.
    pub(crate) fn coerced(&mut self, field: &str, value: Option<&Value>) -> String {
        let Some(value) = value else {
            self.expected(field, "nonoptional", Input::Undefined);
            return String::new();
        };
        js_string(value).unwrap_or_else(|| {
            self.expected(field, "string", Some(value).into());
            String::new()
        })
    }

    /// One of some words, which may be missing: zod's `enum`.
    pub(crate) fn one_of<'a>(
        &mut self,
        field: &str,
        value: Option<&'a Value>,
        words: &[&str],
    ) -> Option<&'a str> {
        let word = value?.as_str().filter(|word| words.contains(word));
        if word.is_none() {
            self.add(field, &format!("Invalid option: expected one of \"{}\"", words.join("\"|\"")));
        }
        word
    }

    /// A role, or an array of roles.
    pub(crate) fn roles<'a>(&mut self, field: &str, value: Option<&'a Value>) -> Vec<&'a str> {
        let roles = match value {
            Some(Value::String(role)) => Some(vec![role.as_str()]),
            Some(Value::Array(roles)) => roles.iter().map(Value::as_str).collect(),
            _ => None,
        };
        roles.unwrap_or_else(|| {
            self.add(field, "Invalid input");
            Vec::new()
        })
    }

    /// An issue with all of it.
    pub(crate) fn add_whole(&mut self, issue: &str) {
        self.issues.push(format!("[{}] {issue}", self.part));
    }

    fn expected(&mut self, field: &str, expected: &str, received: Input<'_>) {
        self.add(field, &format!("Invalid input: expected {expected}, received {}", received.kind()));
    }

    /// A text that may be missing, but not be of a size that only an attack has: it is copied several
    /// times, and Rust aborts the backend when it finds no memory. Better Auth has no limit of its own; an
    /// HTTP server in front of it has.
    pub(crate) fn bounded(&mut self, field: &str, value: Option<&str>) {
        if value.is_some_and(|value| !fits(value)) {
            self.add(field, &format!("Too big: expected string to have <={MAX_TEXT} characters"));
        }
    }

    pub(crate) fn add(&mut self, field: &str, issue: &str) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(format!("[{}.{}] {issue}", self.part, excerpt(field)));
        } else {
            self.more += 1;
        }
    }

    /// # Errors
    /// VALIDATION_ERROR with the issues, if there is one.
    pub(crate) fn finish(mut self) -> Result<(), AuthError> {
        if self.more > 0 {
            self.issues.push(format!("[{}] {} more issues", self.part, self.more));
        }
        if self.issues.is_empty() { Ok(()) } else { Err(AuthError::Validation(self.issues)) }
    }
}

/// Whether zod 4 takes it for an email address, as Better Auth does:
/// `/^(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$/`.
/// No crate knows this syntax; both sides of a shared table have to agree on it to the letter.
pub(crate) fn is_email(text: &str) -> bool {
    // A copy of it is made; see `bounded`.
    if text.len() > MAX_TEXT {
        return false;
    }
    let Some((local, domain)) = text.split_once('@') else { return false };
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\'' | b'+' | b'-');
    let local_ok =
        local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom)) && !local.ends_with('\'');
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let label_ok = |label: &str| {
        label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && label.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
    };
    local_ok
        && labels.split('.').all(label_ok)
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Better Auth's check at sign-in, where a short password is merely a wrong one.
///
/// # Errors
/// PASSWORD_TOO_LONG.
pub(crate) fn check_not_too_long(password: &str) -> Result<(), AuthError> {
    if password::length(password) > settings::max_password_length() {
        return Err(Code::PASSWORD_TOO_LONG.into());
    }
    Ok(())
}

/// Better Auth's check of a new password.
///
/// # Errors
/// PASSWORD_TOO_SHORT or PASSWORD_TOO_LONG.
pub(crate) fn check_new_password(password: &str) -> Result<(), AuthError> {
    if password::length(password) < settings::min_password_length() {
        return Err(Code::PASSWORD_TOO_SHORT.into());
    }
    check_not_too_long(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line was put to zod 4's own `z.email()`; `pg_test/interop` puts many more to both.
    #[test]
    fn emails_are_those_of_zod() {
        for good in [
            "a@b.co",
            "ada.lovelace+x@mail.example.com",
            "o'neil-@x-y.org",
            "_@1.ab",
            "A_B@EXAMPLE.COM",
            "a@b-.co",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b.co",
            "a@b",
            "a@b.c",
            "a@b.c1",
            ".a@b.co",
            "a.@b.co",
            "a..b@b.co",
            "a'@b.co",
            " a@b.co",
            "a@b.co ",
            "a@-b.co",
            "a@b..co",
            "a@.co",
            "a@b.co.",
            "a@@b.co",
            "a@b@c.co",
            "jürgen@b.co",
            "a@bü.co",
            "a b@c.de",
            "a\n@b.co",
            "a@b.co\n",
            "\"a b\"@c.de",
            "a@[127.0.0.1]",
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }

    /// Each line was put to Node.
    #[test]
    fn numbers_are_javascripts() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (12345.0, "12345"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e21, "1.5e+21"),
            (123e-9, "1.23e-7"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-1e-7, "-1e-7"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (4_611_686_018_427_387_904.0, "4611686018427388000"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(js_number_text(number), text, "{number:e}");
        }
        for (text, number) in [
            ("", "0"),
            (" ", "0"),
            ("\u{feff}5\u{a0}", "5"),
            ("007", "7"),
            ("+4", "4"),
            ("-1.5e1", "-15"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0x10", "16"),
            ("0b11", "3"),
            ("0O17", "15"),
            ("1e400", "Infinity"),
            ("-Infinity", "-Infinity"),
            ("x", "NaN"),
            ("1_0", "NaN"),
            ("5n", "NaN"),
            ("inf", "NaN"),
            ("nan", "NaN"),
            ("infinity", "NaN"),
            ("-0x1", "NaN"),
            ("0x", "NaN"),
            (".", "NaN"),
            ("1e", "NaN"),
            ("--1", "NaN"),
            ("1 2", "NaN"),
            ("\u{85}1", "NaN"),
        ] {
            assert_eq!(js_number_text(js_number(text)), number, "{text:?}");
        }
    }

    #[test]
    fn texts_of_values_are_javascripts() {
        for (value, text) in [
            (serde_json::json!(null), Some("null")),
            (serde_json::json!(true), Some("true")),
            (serde_json::json!([1, [2, null, ["x"]], {}]), Some("1,2,,x,[object Object]")),
            (serde_json::json!({"valueOf": 1}), Some("[object Object]")),
            (serde_json::json!({"toString": 1}), None),
            (serde_json::json!([{"toString": 1}]), None),
        ] {
            assert_eq!(js_string(&value).as_deref(), text, "{value}");
        }
    }

    #[test]
    fn issues_are_bounded_in_number_and_size() {
        let mut issues = Issues::of_query();
        for _ in 0..1_000_000 {
            issues.required(&"é".repeat(MAX_NAME), Input::Null);
        }
        let message = issues.finish().map_err(|error| error.message()).err().unwrap_or_default();
        assert!(message.ends_with("; [query] 999980 more issues"), "{}", message.len());
        assert!(message.len() < MAX_ISSUES * (MAX_NAME + 100));
    }

    #[test]
    fn issues_are_reported_together_in_better_auths_words() {
        let mut issues = Issues::of_body();
        issues.required("name", Input::Undefined);
        issues.email("email", Input::Text("nope"));
        issues.not_empty("password", Input::Text(""));
        issues.optional("image", Input::Null);
        issues.optional_boolean("rememberMe", Input::Text("true"));
        issues.optional("callbackURL", Input::Undefined);
        assert_eq!(
            issues.finish().map_err(|error| error.message()),
            Err("[body.name] Invalid input: expected string, received undefined; \
                 [body.email] Invalid email address; \
                 [body.password] Too small: expected string to have >=1 characters; \
                 [body.image] Invalid input: expected string, received null; \
                 [body.rememberMe] Invalid input: expected boolean, received string"
                .into())
        );
    }
}
