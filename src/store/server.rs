//! What the server gives besides tables: the clock, randomness, and whether it may be written to.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};
use serde_json::{Map, Value};
use std::ffi::{CStr, CString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::crypto::private_key::Source;
use crate::crypto::random::{self, Alphabet};
use crate::error::AuthError;
use crate::store::catalog::{Kind, Table, column, find};

/// A point in time as PostgreSQL holds it: microseconds since 2000-01-01 00:00 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Timestamp(pub(crate) i64);

/// Seconds from the Unix epoch to PostgreSQL's.
const UNIX_TO_POSTGRES: i64 = 946_684_800;

impl Timestamp {
    /// PostgreSQL's `-infinity`.
    pub(crate) const MIN: Self = Self(i64::MIN);

    /// The moment of the call, in the milliseconds that JavaScript's dates have and Better Auth stores.
    /// Not the transaction's start: what is checked against it expires by the clock.
    pub(crate) fn now() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX / 1_000);
        Self(milliseconds.saturating_mul(1_000).saturating_sub(UNIX_TO_POSTGRES * 1_000_000))
    }

    /// Later by so many seconds (earlier, if negative), or the last moment there is.
    pub(crate) fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Earlier by so many milliseconds, or the first moment there is.
    pub(crate) fn minus_milliseconds(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_sub(milliseconds.saturating_mul(1_000)))
    }

    /// Later by so many milliseconds, or the last moment there is.
    pub(crate) fn plus_milliseconds(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds.saturating_mul(1_000)))
    }

    /// Whole seconds since 1970-01-01 00:00 UTC, as tokens have them.
    pub(crate) fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000) + UNIX_TO_POSTGRES
    }

    /// The moment of so many seconds since 1970-01-01 00:00 UTC, or the first or last there is.
    pub(crate) fn of_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_sub(UNIX_TO_POSTGRES).saturating_mul(1_000_000))
    }

    /// Milliseconds since 1970-01-01 00:00 UTC, as JavaScript counts.
    pub(crate) fn unix_milliseconds(self) -> i64 {
        self.0.div_euclid(1_000).saturating_add(UNIX_TO_POSTGRES * 1_000)
    }

    /// Reads a date as JavaScript's `toISOString` writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
        if text.len() != 24 || marks.iter().any(|&(at, mark)| text.as_bytes()[at] != mark) {
            return None;
        }
        let number = |from, to| text.get(from..to)?.parse::<u16>().ok();
        let small = |from, to| u8::try_from(number(from, to)?).ok();
        let month = time::Month::try_from(small(5, 7)?).ok()?;
        let date = time::Date::from_calendar_date(number(0, 4)?.into(), month, small(8, 10)?).ok()?;
        let time =
            date.with_hms_milli(small(11, 13)?, small(14, 16)?, small(17, 19)?, number(20, 23)?).ok()?;
        let microseconds = i64::try_from(time.assume_utc().unix_timestamp_nanos() / 1_000).ok()?;
        Some(Self(microseconds - UNIX_TO_POSTGRES * 1_000_000))
    }

    /// The date and time in UTC; none for PostgreSQL's `infinity` and years beyond 9999.
    pub(crate) fn utc(self) -> Option<time::OffsetDateTime> {
        time::OffsetDateTime::from_unix_timestamp(self.unix_seconds())
            .ok()
            .and_then(|date| date.replace_microsecond(u32::try_from(self.0.rem_euclid(1_000_000)).ok()?).ok())
    }

    /// A date as JavaScript's `toISOString` writes it; `None` for one that it could not hold.
    pub(crate) fn to_iso_string(self) -> Option<String> {
        let utc = self.utc()?;
        // Five of these are in every answer about a session, and format! takes its time for each number.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, digits: usize, mut number: u32| {
            for place in (at..at + digits).rev() {
                text[place] = b'0' + (number % 10).to_le_bytes()[0];
                number /= 10;
            }
        };
        put(0, 4, u32::try_from(utc.year()).ok()?);
        for (at, number) in [
            (5, u8::from(utc.month())),
            (8, utc.day()),
            (11, utc.hour()),
            (14, utc.minute()),
            (17, utc.second()),
        ] {
            put(at, 2, number.into());
        }
        put(20, 3, utc.millisecond().into());
        String::from_utf8(text.to_vec()).ok()
    }
}

/// Fills `bytes` from PostgreSQL's cryptographic source.
///
/// # Errors
/// The source has nothing to give.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), AuthError> {
    // SAFETY: the pointer and the length are those of one writable slice.
    if unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) } {
        Ok(())
    } else {
        Err(AuthError::Resources("could not get random bytes"))
    }
}

/// A token of Better Auth's `generateId(length)`: `[a-zA-Z0-9]`.
///
/// # Errors
/// No randomness.
pub(crate) fn random_token(length: usize) -> Result<String, AuthError> {
    random::alphanumeric(length, fill_random)
}

/// A token of Better Auth's `generateRandomString(length, "0-9", "a-z")`.
///
/// # Errors
/// No randomness.
pub(crate) fn random_lower_token(length: usize) -> Result<String, AuthError> {
    random::lower_alphanumeric(length, fill_random)
}

/// A code of `length` digits: Better Auth's `generateRandomString(length, "0-9")`.
///
/// # Errors
/// No randomness.
pub(crate) fn random_digits(length: usize) -> Result<String, AuthError> {
    random::digits(length, fill_random)
}

/// Better Auth's `generateRandomString(length, ...)` of an alphabet.
///
/// # Errors
/// No randomness.
pub(crate) fn random_text(alphabet: Alphabet, length: usize) -> Result<String, AuthError> {
    random::of(alphabet, length, fill_random)
}

/// An id for a new row of `table`: 32 of `[a-zA-Z0-9]`, or a UUID where the column is of that type. Empty where the
/// database makes it itself.
///
/// # Errors
/// No randomness, or no table.
pub(crate) fn random_id(table: Table) -> Result<String, AuthError> {
    match column(table, "id")? {
        column if column.filled => Ok(String::new()),
        column if column.kind == Kind::Uuid => random::uuid(fill_random),
        _ => random_token(32),
    }
}

/// PostgreSQL's randomness, for who makes keys and signatures.
pub(crate) fn random_source() -> Source<impl FnMut(&mut [u8]) -> bool> {
    Source(|bytes: &mut [u8]| fill_random(bytes).is_ok())
}

/// Holds a value of `table` that no row stands for until the transaction ends. Two values may be one to this
/// lock, which costs no more than a moment's wait.
///
/// # Errors
/// No table.
pub(crate) fn lock_value(table: Table, value: &str) -> Result<(), AuthError> {
    let mut hash = DefaultHasher::new();
    value.hash(&mut hash);
    let object = u32::try_from(hash.finish() >> 32).unwrap_or_default();
    let relation = find(table).ok_or(AuthError::NotMigrated(table.name()))?;
    // SAFETY: a lock in a space of its own: no catalog has the oid of this table.
    unsafe { pg_sys::LockDatabaseObject(relation, object.into(), 0, pg_sys::ExclusiveLock.cast_signed()) };
    Ok(())
}

/// Tells the DBA of a fault that must not reach who asked. As a warning: with a LOG entry PostgreSQL would log
/// the statement too, and there may be a password in it.
pub(crate) fn warn(code: PgSqlErrorCode, message: &str) {
    report(code, message, PgLogLevel::WARNING);
}

/// Reports what is no error. PostgreSQL looks for a cancel at the end of a report, and would leave by way of Rust's
/// frames, whose values are never dropped then: so it is told to wait with that.
fn report(code: PgSqlErrorCode, message: &str, level: PgLogLevel) {
    // SAFETY: the backend's own count of who wants no interrupts, which an error sets to 0.
    unsafe { pg_sys::InterruptHoldoffCount += 1 };
    ErrorReport::new(code, message.to_owned(), "better_auth").report(level);
    // SAFETY: as above.
    unsafe { pg_sys::InterruptHoldoffCount -= 1 };
}

/// Tells the DBA, and not even the connection that asked: for what would tell whether an email is known. Without
/// the statement, where there may be a password in it.
pub(crate) fn log(code: PgSqlErrorCode, message: &str) {
    // SAFETY: the setting's variable, for the time of a report that is no error and heeds no cancel.
    let before =
        unsafe { std::ptr::replace(&raw mut pg_sys::log_min_error_statement, pg_sys::PANIC.cast_signed()) };
    report(code, message, PgLogLevel::LOG_SERVER_ONLY);
    // SAFETY: as above.
    unsafe { pg_sys::log_min_error_statement = before };
}

/// A setting of the transaction that PostgREST made, as JSON; `None` when it is missing, or no object.
fn request_setting(name: &CStr) -> Option<Map<String, Value>> {
    // SAFETY: the name is terminated. The pointer, if any, is to a terminated string that lives until the
    // setting changes, and is copied from before anything else is called.
    let text = unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        if value.is_null() {
            return None;
        }
        CStr::from_ptr(value).to_bytes()
    };
    serde_json::from_slice(text).ok()
}

/// The headers of the request that PostgREST is at, the cookies as one of them. Without Authorization, which is
/// PostgREST's own: nothing in it is ever a session's token.
pub(crate) fn request_headers() -> Vec<(String, String)> {
    let text = |value: Value| value.as_str().map(str::to_owned);
    let headers = request_setting(c"request.headers").unwrap_or_default();
    let mut headers: Vec<(String, String)> = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), text(value)?)))
        .filter(|(name, _)| name != "authorization")
        .collect();
    let cookies = request_setting(c"request.cookies").unwrap_or_default();
    let cookies: Vec<String> =
        cookies.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", text(value)?))).collect();
    if !cookies.is_empty() {
        headers.retain(|(name, _)| name != "cookie");
        headers.push(("cookie".into(), cookies.join("; ")));
    }
    headers
}

/// Status and headers of PostgREST's answer to the request that it is at.
///
/// # Errors
/// PostgreSQL doesn't take the settings.
pub(crate) fn set_response(status: u16, headers: &[(&str, String)]) -> Result<(), AuthError> {
    let objects: Vec<Value> = headers
        .iter()
        .map(|(name, value)| Value::Object(Map::from_iter([((*name).to_owned(), value.as_str().into())])))
        .collect();
    for (name, value) in
        [(c"response.status", status.to_string()), (c"response.headers", Value::Array(objects).to_string())]
    {
        let value = CString::new(value).map_err(|_| AuthError::Nul)?;
        // Until the transaction's end, as PostgREST reads it.
        set(name, &value, pg_sys::GucAction::GUC_ACTION_LOCAL);
    }
    Ok(())
}

/// Makes the rest of the transaction one with these claims and in this role, as PostgREST does with a token's. Who has
/// connected has to be a member of the role.
///
/// # Errors
/// PostgreSQL doesn't take the settings; for the role this is its own exception.
pub(crate) fn act_as(claims: &str, role: &str) -> Result<(), AuthError> {
    for (name, value) in [(c"request.jwt.claims", claims), (c"role", role)] {
        let value = CString::new(value).map_err(|_| AuthError::Nul)?;
        set(name, &value, pg_sys::GucAction::GUC_ACTION_LOCAL);
    }
    Ok(())
}

/// Changes a setting, for as long as `action` says.
pub(super) fn set(name: &CStr, value: &CStr, action: pg_sys::GucAction::Type) {
    // SAFETY: both are terminated; PostgreSQL copies the value, and undoes the change itself.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            action,
            true,
            0,
            false,
        );
    }
}

/// Whether this transaction may write: not on a standby, nor in a read-only transaction.
pub(crate) fn is_writable() -> bool {
    // SAFETY: both read the backend's own state.
    unsafe { !pg_sys::XactReadOnly && !pg_sys::RecoveryInProgress() }
}

/// Refuses whoever isn't a superuser.
///
/// # Errors
/// What it is that only superusers may do.
pub(crate) fn require_superuser(what: &str) -> Result<(), AuthError> {
    // SAFETY: both read the backend's own state.
    if unsafe { pg_sys::superuser() } {
        return Ok(());
    }
    Err(AuthError::Privilege(format!("{what} is for superusers")))
}

/// When this backend last read the server's configuration files.
pub(crate) fn config_loaded_at() -> i64 {
    // SAFETY: reads a variable of the backend's own.
    unsafe { pg_sys::PgReloadTime }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dates_are_javascripts() {
        let date = |time| Timestamp(time).to_iso_string();
        assert_eq!(date(0).unwrap(), "2000-01-01T00:00:00.000Z");
        assert_eq!(date(848_739_325_333_000).unwrap(), "2026-11-23T08:55:25.333Z");
        assert_eq!(date(848_739_325_333_999).unwrap(), "2026-11-23T08:55:25.333Z");
        assert_eq!(date(-1).unwrap(), "1999-12-31T23:59:59.999Z");
        assert_eq!(date(i64::MAX), None);
        assert_eq!(date(i64::MIN), None);
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        for text in ["2000-01-01T00:00:00.000Z", "2026-11-23T08:55:25.333Z", "1999-12-31T23:59:59.999Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_iso_string().unwrap(), text);
        }
        for bad in
            ["", "2026-11-23", "2026-13-01T00:00:00.000Z", "2026-11-23T08:55:25.333", "x".repeat(24).as_str()]
        {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }
}
