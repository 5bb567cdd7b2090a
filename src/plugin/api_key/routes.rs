//! The endpoints of the plugin, and what each takes.

use serde_json::Value;

use super::flow::create::{self, create};
use super::flow::manage::{self, Listing};
use super::flow::{Door, Terms, delete_all_expired};
use super::{json, sql};
use crate::api::http::routes::object;
use crate::api::http::{Answer, Body, Context, Route, get, post};
use crate::api::json::MANY;
use crate::error::AuthError;
use crate::flow::input::{Input, Issues, js_number, js_string};
use crate::flow::json::{Object, array};
use crate::plugin::access::{Wanted, wanted};

pub(super) const ROUTES: &[Route] = &[
    with_values(post("createApiKey", "/api-key/create", create_key)),
    with_values(post("verifyApiKey", "", verify_key)),
    get("getApiKey", "/api-key/get", get_key),
    with_values(post("updateApiKey", "/api-key/update", update_key)),
    post("deleteApiKey", "/api-key/delete", delete_key),
    get("listApiKeys", "/api-key/list", list_keys),
    post("deleteAllExpiredApiKeys", "", delete_expired),
];

/// A route whose body has values of any content.
const fn with_values(route: Route) -> Route {
    Route { not_taken: Some(invalid), max_values: MANY, ..route }
}

/// A value that breaks a constraint, or is none of the column's type.
fn invalid() -> AuthError {
    AuthError::Validation(vec!["[body] Invalid input".into()])
}

fn door(context: &Context<'_>) -> Door {
    Door { is_clients: !context.is_own, is_request: !context.is_direct }
}

/// A number that may be missing, not below `least`.
fn number(issues: &mut Issues, field: &str, value: Option<&Value>, least: Option<u8>) -> Option<f64> {
    let value = value?;
    let Some(number) = value.as_f64() else {
        let received = Input::from(Some(value)).kind();
        issues.add(field, &format!("Invalid input: expected number, received {received}"));
        return None;
    };
    if let Some(least) = least.filter(|least| number < f64::from(*least)) {
        issues.add(field, &format!("Too small: expected number to be >={least}"));
        return None;
    }
    Some(number)
}

/// The same where null is none too.
fn nullable(issues: &mut Issues, field: &str, value: Option<&Value>, least: u8) -> Option<Option<f64>> {
    let value = value?;
    if value.is_null() { Some(None) } else { number(issues, field, Some(value), Some(least)).map(Some) }
}

/// A number that a column takes; Better Auth asks the database. Of clients it is refused anyway.
fn whole(issues: &mut Issues, door: Door, field: &str, number: Option<f64>) -> Option<i64> {
    let number = number?;
    if door.is_clients {
        return Some(number as i64);
    }
    if number.fract() != 0.0 || !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        issues.add(field, "Invalid input: expected int, received number");
    }
    Some(number as i64)
}

/// What a key may do, or has to: zod's record of arrays of texts.
fn permissions<'v>(issues: &mut Issues, value: Option<&'v Value>) -> Option<&'v Value> {
    let value = value?;
    let expected = |issues: &mut Issues, field: &str, kind: &str, value: &Value| {
        let received = Input::from(Some(value)).kind();
        issues.add(field, &format!("Invalid input: expected {kind}, received {received}"));
    };
    let Some(members) = value.as_object() else {
        expected(issues, "permissions", "record", value);
        return Some(value);
    };
    for (resource, actions) in members {
        match actions.as_array() {
            None => expected(issues, &format!("permissions.{resource}"), "array", actions),
            Some(actions) => {
                for (place, action) in actions.iter().enumerate().filter(|(_, action)| !action.is_string()) {
                    expected(issues, &format!("permissions.{resource}.{place}"), "string", action);
                }
            }
        }
    }
    Some(value)
}

/// What may be missing, as a text: zod's `coerce.string().optional()`.
fn coerced(issues: &mut Issues, field: &str, value: Option<&Value>) -> Option<String> {
    let value = value?;
    let text = js_string(value);
    if text.is_none() {
        let received = Input::from(Some(value)).kind();
        issues.add(field, &format!("Invalid input: expected string, received {received}"));
    }
    text
}

fn optional<'b>(issues: &mut Issues, body: &'b Body, field: &str) -> Option<&'b str> {
    issues.optional(field, body.get(field).into())
}

fn create_key(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let door = door(context);
    let mut issues = Issues::of_body();
    let issues = &mut issues;
    let config_id = optional(issues, body, "configId");
    let name = optional(issues, body, "name");
    issues.bounded("name", name);
    let expires_in = nullable(issues, "expiresIn", body.get("expiresIn"), 1).flatten();
    let prefix = optional(issues, body, "prefix");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if body.get("prefix").is_some_and(Value::is_string)
        && prefix.is_some_and(|prefix| prefix.is_empty() || !prefix.chars().all(is_plain))
    {
        const FORMAT: &str =
            "Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.";
        issues.add("prefix", FORMAT);
    }
    let remaining = nullable(issues, "remaining", body.get("remaining"), 0).flatten();
    let remaining = whole(issues, door, "remaining", remaining);
    let refill_amount = number(issues, "refillAmount", body.get("refillAmount"), Some(1));
    let refill_amount = whole(issues, door, "refillAmount", refill_amount);
    let mut column = |field| {
        let given = number(issues, field, body.get(field), None);
        whole(issues, door, field, given)
    };
    let refill_interval = column("refillInterval");
    let rate_limit_time_window = column("rateLimitTimeWindow");
    let rate_limit_max = column("rateLimitMax");
    let rate_limit_enabled = issues.optional_boolean("rateLimitEnabled", body.get("rateLimitEnabled").into());
    let permissions = permissions(issues, body.get("permissions"));
    let user_id = coerced(issues, "userId", body.get("userId"));
    let organization_id = coerced(issues, "organizationId", body.get("organizationId"));
    std::mem::replace(issues, Issues::of_body()).finish()?;
    let wish = create::Wish {
        config_id,
        name,
        expires_in,
        prefix,
        metadata: body.get("metadata"),
        user_id: user_id.as_deref(),
        organization_id: organization_id.as_deref(),
        terms: Terms {
            remaining,
            refill_amount,
            refill_interval,
            rate_limit_enabled,
            rate_limit_time_window,
            rate_limit_max,
            permissions,
        },
    };
    let (row, key) = create(context, door, &wish)?;
    object(json::created(&row, &key, wish.metadata.filter(|metadata| !metadata.is_null())))
}

fn verify_key(_: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let config_id = optional(&mut issues, body, "configId");
    let key = issues.required("key", body.get("key").into());
    let permissions = permissions(&mut issues, body.get("permissions"));
    issues.finish()?;
    let asked = permissions.and_then(wanted);
    let asked: Option<&Wanted<'_>> = asked.as_deref();
    object(sql::answer(key, asked, config_id)?)
}

fn get_key(context: &mut Context<'_>, _: &Body) -> Answer {
    let (config_id, id) = (context.request.query_value("configId"), context.request.query_value("id"));
    let mut issues = Issues::of_query();
    let config_id = issues.optional("configId", config_id.as_ref().into());
    let id = issues.required("id", id.as_ref().into());
    issues.finish()?;
    object(json::key(&manage::get(context, id, config_id)?))
}

fn update_key(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let door = door(context);
    let mut issues = Issues::of_body();
    let issues = &mut issues;
    let config_id = optional(issues, body, "configId");
    let id = issues.required("keyId", body.get("keyId").into());
    let user_id = coerced(issues, "userId", body.get("userId"));
    let name = optional(issues, body, "name");
    issues.bounded("name", name);
    let enabled = issues.optional_boolean("enabled", body.get("enabled").into());
    let mut column = |field, least| {
        let given = number(issues, field, body.get(field), least);
        whole(issues, door, field, given)
    };
    let remaining = column("remaining", Some(1));
    let refill_amount = column("refillAmount", None);
    let refill_interval = column("refillInterval", None);
    let expires_in = nullable(issues, "expiresIn", body.get("expiresIn"), 1);
    let rate_limit_enabled = issues.optional_boolean("rateLimitEnabled", body.get("rateLimitEnabled").into());
    let mut column = |field| {
        let given = number(issues, field, body.get(field), None);
        whole(issues, door, field, given)
    };
    let rate_limit_time_window = column("rateLimitTimeWindow");
    let rate_limit_max = column("rateLimitMax");
    let permissions = match body.get("permissions") {
        Some(Value::Null) => Some(&Value::Null),
        given => permissions(issues, given),
    };
    std::mem::replace(issues, Issues::of_body()).finish()?;
    let wish = manage::Wish {
        config_id,
        id,
        user_id: user_id.as_deref(),
        name,
        enabled,
        metadata: body.get("metadata"),
        expires_in,
        terms: Terms {
            remaining,
            refill_amount,
            refill_interval,
            rate_limit_enabled,
            rate_limit_time_window,
            rate_limit_max,
            permissions,
        },
    };
    object(json::key(&manage::update(context, door, &wish)?))
}

fn delete_key(context: &mut Context<'_>, body: &Body) -> Answer {
    body.object("object")?;
    let mut issues = Issues::of_body();
    let config_id = optional(&mut issues, body, "configId");
    let id = issues.required("keyId", body.get("keyId").into());
    issues.finish()?;
    manage::delete(context, id, config_id)?;
    object(Object::new().boolean("success", true))
}

/// A whole number that isn't negative and may be missing: zod's `coerce.number().int().nonnegative()`.
fn place(issues: &mut Issues, field: &str, value: Option<&Value>) -> Option<f64> {
    let value = value?;
    let number = value.as_str().map_or(f64::NAN, js_number);
    if number.is_nan() {
        issues.add(field, "Invalid input: expected number, received NaN");
    } else if number.is_infinite() {
        issues.add(field, "Invalid input: expected number, received Infinity");
    } else if number.fract() != 0.0 {
        issues.add(field, "Invalid input: expected int, received number");
    } else if number < 0.0 {
        issues.add(field, "Too small: expected number to be >=0");
    }
    Some(number)
}

fn list_keys(context: &mut Context<'_>, _: &Body) -> Answer {
    let asked = |name| context.request.query_value(name);
    let (config_id, organization_id) = (asked("configId"), asked("organizationId"));
    let (limit, offset) = (asked("limit"), asked("offset"));
    let (sort_by, direction) = (asked("sortBy"), asked("sortDirection"));
    let mut issues = Issues::of_query();
    let config_id = issues.optional("configId", config_id.as_ref().into());
    let organization_id = issues.optional("organizationId", organization_id.as_ref().into());
    let limit = place(&mut issues, "limit", limit.as_ref());
    let offset = place(&mut issues, "offset", offset.as_ref());
    let sort_by = issues.optional("sortBy", sort_by.as_ref().into());
    let direction = issues.one_of("sortDirection", direction.as_ref(), &["asc", "desc"]);
    issues.finish()?;
    let listing = Listing {
        config_id,
        organization_id,
        limit: limit.map(|number| number as usize),
        offset: offset.map(|number| number as usize),
        sort_by,
        is_descending: direction == Some("desc"),
    };
    let (keys, total) = manage::list(context, &listing)?;
    let mut answer = Object::new()
        .json("apiKeys", &array(keys.iter().map(|key| json::key(key).finish())))
        .number("total", i64::try_from(total).unwrap_or(i64::MAX));
    for (name, number) in [("limit", limit), ("offset", offset)] {
        if let Some(number) = number {
            answer = answer.json(name, &crate::flow::input::js_number_text(number));
        }
    }
    object(answer)
}

fn delete_expired(_: &mut Context<'_>, _: &Body) -> Answer {
    delete_all_expired()?;
    object(Object::new().boolean("success", true).json("error", "null"))
}
