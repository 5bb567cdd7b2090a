//! Better Auth's JSON: its declared fields, `id` last, dates in ISO 8601 with milliseconds and `Z`.

use serde_json::{Value, json};

use crate::flow::session::Live;
use crate::store::server::Timestamp;
use crate::store::session::Session;
use crate::store::user::User;

/// A date as JavaScript's `toISOString` writes it; null for one that JavaScript could not hold.
fn date(time: Timestamp) -> Value {
    time.utc().map_or(Value::Null, |utc| {
        Value::String(format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            utc.year(),
            u8::from(utc.month()),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second(),
            utc.millisecond(),
        ))
    })
}

/// `user`.
pub(super) fn user(user: &User) -> Value {
    json!({
        "name": user.name,
        "email": user.email,
        "emailVerified": user.email_verified,
        "image": user.image,
        "createdAt": date(user.created_at),
        "updatedAt": date(user.updated_at),
        "id": user.id,
    })
}

/// `session`.
pub(super) fn session(session: &Session) -> Value {
    json!({
        "expiresAt": date(session.expires_at),
        "token": session.token,
        "createdAt": date(session.created_at),
        "updatedAt": date(session.updated_at),
        "ipAddress": session.ip_address,
        "userAgent": session.user_agent,
        "userId": session.user_id,
        "id": session.id,
    })
}

/// What `get-session` answers.
pub(super) fn live(live: &Live) -> Value {
    json!({ "session": session(&live.session), "user": user(&live.user) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_javascripts() {
        assert_eq!(date(Timestamp(0)), "2000-01-01T00:00:00.000Z");
        assert_eq!(date(Timestamp(848_739_325_333_000)), "2026-11-23T08:55:25.333Z");
        assert_eq!(date(Timestamp(848_739_325_333_999)), "2026-11-23T08:55:25.333Z");
        assert_eq!(date(Timestamp(-1)), "1999-12-31T23:59:59.999Z");
        assert_eq!(date(Timestamp(i64::MAX)), Value::Null);
        assert_eq!(date(Timestamp(i64::MIN)), Value::Null);
    }
}
