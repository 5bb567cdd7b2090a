//! The document, put together as Better Auth's generator does it: out of what the real one says of each endpoint
//! (`*.json`, written by `pg_test/tools/open_api.mjs`), and of what the settings make of them.

use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::api::http::Route;
use crate::error::AuthError;
use crate::plugin;
use crate::settings::{self, RateLimitStorage};
use crate::store::catalog::{Kind, Table};
use crate::store::definition::Definition;
use crate::store::fields;

const CORE: &str = include_str!("core.json");

macro_rules! sources {
    ($($id:literal)*) => { &[$(($id, include_str!(concat!($id, ".json")))),*] };
}

/// What is said of each plugin.
const PLUGINS: &[(&str, &str)] = sources! {
    "admin" "anonymous" "api-key" "bearer" "captcha" "custom-session" "device-authorization" "email-otp" "expo"
    "have-i-been-pwned" "jwt" "last-login-method" "magic-link"
    "multi-session" "oauth-proxy" "one-tap" "one-time-token" "organization" "passkey" "phone-number" "two-factor" "username"
};

/// The endpoints whose bodies may have the user's additional fields.
const TAKE_USER_FIELDS: [&str; 2] = ["/sign-up/email", "/update-user"];

/// In a file, a field whose name begins with this stands for the additional fields of the model that follows.
const MARK: char = '*';

/// The document under the settings as they are.
///
/// # Errors
/// An additional field has no column.
pub(super) fn of(base_url: &str) -> Result<Value, AuthError> {
    let core = read(CORE);
    let plugins: Vec<(&dyn plugin::Plugin, Map<String, Value>)> = plugin::on()
        .iter()
        .filter_map(|plugin| {
            let (_, source) = PLUGINS.iter().find(|(id, _)| *id == plugin.id())?;
            Some((*plugin, read(source)))
        })
        .collect();
    let fields = Additional::of(&plugins)?;
    let (tables, inputs) = tables(&core, &plugins, &fields)?;
    let disabled = settings::disabled_paths().unwrap_or_default();
    let mut paths = Paths {
        errors: object(&core, "errors"),
        fields: &fields,
        disabled: settings::parts(&disabled).collect(),
        operation_ids: HashSet::new(),
        paths: Map::new(),
    };
    paths.add(object(&core, "paths"), &[], Some(&inputs));
    for (plugin, source) in &plugins {
        paths.add(object(source, "paths"), plugin.routes(), None);
    }
    Ok(json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Better Auth",
            "description": "API Reference for your Better Auth Instance",
            "version": "1.1.0",
        },
        "components": {
            "schemas": tables,
            "securitySchemes": {
                "apiKeyCookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "apiKeyCookie",
                    "description": "API Key authentication via cookie",
                },
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Bearer token authentication",
                },
            },
        },
        "security": [{ "apiKeyCookie": [], "bearerAuth": [] }],
        "servers": [{ "url": base_url }],
        "tags": [{
            "name": "Default",
            "description": "Default endpoints that are included with Better Auth by default. These endpoints are not part of any plugin.",
        }],
        "paths": paths.paths,
    }))
}

/// One of the files, which a test reads too.
fn read(source: &str) -> Map<String, Value> {
    serde_json::from_str(source).unwrap_or_default()
}

fn object<'s>(source: &'s Map<String, Value>, name: &str) -> &'s Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    source.get(name).and_then(Value::as_object).unwrap_or(&NONE)
}

fn is_true(field: &Value, name: &str) -> bool {
    field.get(name) == Some(&Value::Bool(true))
}

/// What requests may give of a user: the fields' schemas, and the names of those that they have to give.
#[derive(Default)]
struct Inputs {
    schemas: Map<String, Value>,
    required: Vec<Value>,
}

impl Inputs {
    fn add(&mut self, name: &str, field: &Value) {
        if let Some(input) = field.get("input") {
            self.schemas.insert(name.to_owned(), input.clone());
            if is_true(field, "inputRequired") {
                self.required.push(name.into());
            }
        }
    }
}

/// The schemas of all tables.
fn tables(
    core: &Map<String, Value>,
    plugins: &[(&dyn plugin::Plugin, Map<String, Value>)],
    additional: &Additional,
) -> Result<(Map<String, Value>, Inputs), AuthError> {
    let mut all = object(core, "tables").clone();
    let rate_limit = all.shift_remove("rateLimit");
    let mut inputs = Inputs::default();
    for (name, field) in additional.of_model("user") {
        inputs.add(name, field);
    }
    for (plugin, source) in plugins {
        for (model, fields) in object(source, "tables") {
            let is_off = |table: &&Definition| table.model == model && !(table.is_on)();
            if plugin.tables().iter().any(is_off) {
                continue;
            }
            let table = all.entry(model).or_insert_with(|| Value::Object(Map::new()));
            let (Some(table), Some(fields)) = (table.as_object_mut(), fields.as_object()) else { continue };
            for (name, field) in fields {
                if let Some(model) = name.strip_prefix(MARK) {
                    for (name, one) in additional.of_model(model) {
                        let mut one = one.clone();
                        one["required"] = (is_true(&one, "required") && is_true(field, "required")).into();
                        table.insert(name.clone(), one);
                    }
                    continue;
                }
                let mut declared = plugin.columns().iter();
                let column = declared.find(|column| column.model == model && column.name == name);
                if column.is_none_or(|column| (column.is_on)()) {
                    table.insert(name.clone(), field.clone());
                    if model == "user" {
                        inputs.add(name, field);
                    }
                }
            }
        }
    }
    for model in ["user", "session"] {
        if let Some(table) = all.get_mut(model).and_then(Value::as_object_mut) {
            table.extend(additional.of_model(model).iter().cloned());
        }
    }
    if let Some(rate_limit) =
        rate_limit.filter(|_| settings::rate_limit_storage() == RateLimitStorage::Database)
    {
        all.insert("rateLimit".into(), rate_limit);
    }
    let schemas = all.iter().map(|(model, fields)| (capitalized(model), schema(fields))).collect();
    Ok((schemas, inputs))
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// The additional fields that the settings list, in the form of the files; a model each.
struct Additional(Vec<(&'static str, Vec<(String, Value)>)>);

impl Additional {
    /// Those of users, of sessions and of these plugins' tables.
    fn of(plugins: &[(&dyn plugin::Plugin, Map<String, Value>)]) -> Result<Self, AuthError> {
        let of_plugins = plugins.iter().flat_map(|(plugin, _)| plugin.tables());
        let on = of_plugins.filter(|table| table.additional_fields.is_some() && (table.is_on)());
        [(Table::User, "user"), (Table::Session, "session")]
            .into_iter()
            .chain(on.map(|table| (table.table, table.model)))
            .map(|(table, model)| Ok((model, additional(table, model, plugins)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn of_model(&self, model: &str) -> &[(String, Value)] {
        self.0.iter().find(|(of, _)| *of == model).map_or(&[], |(_, fields)| fields)
    }

    /// Puts them where the marks in a request's body are.
    fn put(&self, schema: &mut Value) {
        match schema {
            Value::Array(all) => all.iter_mut().for_each(|one| self.put(one)),
            Value::Object(object) => {
                self.put_properties(object);
                object.values_mut().for_each(|one| self.put(one));
            }
            _ => {}
        }
    }

    fn put_properties(&self, object: &mut Map<String, Value>) {
        let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
        let marked = |name: &String| Some((name.clone(), self.of_model(name.strip_prefix(MARK)?)));
        let Some((mark, fields)) = properties.keys().find_map(marked) else { return };
        let inputs = || fields.iter().filter(|(_, field)| field.get("input").is_some());
        // A mark that may be null says that none is needed.
        let may_be_null = properties[&mark]["type"].is_array();
        let shown = inputs().map(|(name, field)| {
            let kind = match field["schema"]["type"].as_str() {
                Some(kind @ ("boolean" | "number")) => kind,
                _ => "string",
            };
            let is_needed = is_true(field, "inputRequired") && !may_be_null;
            let kind = if is_needed { kind.into() } else { json!([kind, "null"]) };
            (name.clone(), json!({ "type": kind }))
        });
        let mut shown: Vec<_> = shown.collect();
        let all = std::mem::take(properties).into_iter();
        properties.extend(all.flat_map(|(name, one)| {
            if name == mark { std::mem::take(&mut shown) } else { vec![(name, one)] }
        }));
        if let Some(Value::Array(required)) = object.get_mut("required")
            && let Some(at) = required.iter().position(|name| name.as_str() == Some(&mark))
        {
            let needed = inputs().filter(|(_, field)| is_true(field, "inputRequired"));
            required.splice(at..=at, needed.map(|(name, _)| name.as_str().into()));
            if required.is_empty() {
                object.shift_remove("required");
            }
        }
    }
}

/// Those of one table.
fn additional(
    table: Table,
    model: &str,
    plugins: &[(&dyn plugin::Plugin, Map<String, Value>)],
) -> Result<Vec<(String, Value)>, AuthError> {
    let of_plugin = |name: &str| {
        plugins
            .iter()
            .flat_map(|(plugin, _)| plugin.columns())
            .any(|column| column.model == model && column.name == name)
    };
    let declared = fields::list(table)?.into_iter().filter(|field| !of_plugin(&field.name));
    Ok(declared
        .map(|field| {
            let mut schema = match field.kind() {
                Kind::Boolean => json!({ "type": "boolean" }),
                Kind::Number => json!({ "type": "number" }),
                Kind::Timestamp | Kind::TimestampTz => json!({ "type": "string", "format": "date-time" }),
                Kind::Json => json!({ "type": "json" }),
                Kind::Text | Kind::Uuid | Kind::Other => json!({ "type": "string" }),
            };
            let mut one = json!({ "required": field.is_required, "inputRequired": field.is_required });
            match field.input {
                Some(Kind::Json) => one["input"] = json!({}),
                Some(_) => one["input"] = schema.clone(),
                None => schema["readOnly"] = true.into(),
            }
            one["schema"] = schema;
            (field.name, one)
        })
        .collect())
}

/// The schema of a table with these fields.
fn schema(fields: &Value) -> Value {
    let mut properties = Map::new();
    let mut required = vec![Value::from("id")];
    properties.insert("id".into(), json!({ "type": "string", "readOnly": true }));
    for (name, field) in fields.as_object().into_iter().flatten() {
        properties.insert(name.clone(), field["schema"].clone());
        if is_true(field, "required") {
            required.push(name.as_str().into());
        }
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The paths of a document that is being put together.
struct Paths<'s> {
    /// What every endpoint answers to errors, unless it says otherwise.
    errors: &'s Map<String, Value>,
    fields: &'s Additional,
    disabled: Vec<&'s str>,
    operation_ids: HashSet<String>,
    paths: Map<String, Value>,
}

impl Paths<'_> {
    /// Adds the endpoints of the core, which may take `inputs`, or of a plugin, whose settings may have switched off
    /// some of its `routes`.
    fn add(&mut self, paths: &Map<String, Value>, routes: &[Route], inputs: Option<&Inputs>) {
        for (path, methods) in paths {
            // As the setting names it.
            let named = path.replace('{', ":").replace('}', "");
            if self.disabled.contains(&named.as_str()) {
                continue;
            }
            for (method, endpoint) in methods.as_object().into_iter().flatten() {
                if route(routes, path, method).is_some_and(|route| !(route.is_on)()) {
                    continue;
                }
                let inputs = inputs.filter(|_| TAKE_USER_FIELDS.contains(&path.as_str()) && method == "post");
                let entry = self.entry(path, method, endpoint, inputs);
                let known = self.paths.entry(path).or_insert_with(|| Value::Object(Map::new()));
                known[method] = entry;
            }
        }
    }

    fn entry(&mut self, path: &str, method: &str, endpoint: &Value, inputs: Option<&Inputs>) -> Value {
        let mut entry = Map::new();
        let mut copy = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                entry.insert(name.to_owned(), value);
            }
        };
        let of = |name: &str| endpoint.get(name).cloned();
        copy("tags", of("tags"));
        copy("description", of("description"));
        copy("operationId", endpoint["operationId"].as_str().map(|id| self.operation_id(id, method).into()));
        copy("security", Some(json!([{ "bearerAuth": [] }])));
        copy("parameters", Some(of("parameters").unwrap_or_else(|| json!([]))));
        copy(
            "requestBody",
            match (of("requestBody"), inputs) {
                (Some(body), Some(inputs)) => Some(with_inputs(body, path, inputs)),
                (body, _) => body.map(|mut body| {
                    self.fields.put(&mut body);
                    body
                }),
            },
        );
        copy("responses", Some(self.responses(endpoint["responses"].as_object())));
        Value::Object(entry)
    }

    /// An id that no other endpoint has.
    fn operation_id(&mut self, id: &str, method: &str) -> String {
        let mut free = id.to_owned();
        let mut count = 1;
        while !self.operation_ids.insert(free.clone()) {
            let number = if count > 1 { count.to_string() } else { String::new() };
            free = format!("{id}{}{number}", capitalized(method));
            count += 1;
        }
        free
    }

    /// In the order of their statuses, as JavaScript has them.
    fn responses(&self, own: Option<&Map<String, Value>>) -> Value {
        let own = own.into_iter().flatten();
        let mut all: Map<String, Value> =
            self.errors.iter().chain(own).map(|(status, answer)| (status.clone(), answer.clone())).collect();
        all.sort_keys();
        Value::Object(all)
    }
}

/// The route of an endpoint that a file tells of.
fn route<'r>(routes: &'r [Route], path: &str, method: &str) -> Option<&'r Route> {
    let star = match (path.split_once('{'), path.split_once('}')) {
        (Some((before, _)), Some((_, after))) => format!("{before}*{after}"),
        _ => path.to_owned(),
    };
    routes.iter().find(|route| route.path == star && route.method.eq_ignore_ascii_case(method))
}

/// A request's body with the fields that users have besides.
fn with_inputs(mut body: Value, path: &str, inputs: &Inputs) -> Value {
    if inputs.schemas.is_empty() {
        return body;
    }
    let schema = &mut body["content"]["application/json"]["schema"];
    for (name, input) in &inputs.schemas {
        if schema["properties"].get(name).is_none() {
            schema["properties"][name] = input.clone();
        }
    }
    if path == "/sign-up/email"
        && let Some(required) = schema["required"].as_array_mut()
    {
        for name in &inputs.required {
            if !required.contains(name) {
                required.push(name.clone());
            }
        }
    }
    body
}

#[cfg(any(test, feature = "pg_test"))]
#[pgrx::pg_schema]
#[allow(clippy::unwrap_used)]
mod tests {
    use pgrx::prelude::*;

    use super::*;
    use crate::api::http::routes;

    #[test]
    fn each_file_is_of_the_form_that_is_read() {
        for (id, source) in PLUGINS.iter().chain(&[("core", CORE)]) {
            let source: Map<String, Value> = serde_json::from_str(source).unwrap();
            assert!(source["paths"].is_object() && source["tables"].is_object(), "{id}");
            for (path, methods) in object(&source, "paths") {
                for (method, endpoint) in methods.as_object().unwrap() {
                    assert!(endpoint["tags"].is_array(), "{id}: {method} {path}");
                }
            }
        }
    }

    #[test]
    fn operation_ids_are_told_apart_by_their_methods() {
        let mut paths = Paths {
            errors: &Map::new(),
            fields: &Additional(Vec::new()),
            disabled: Vec::new(),
            operation_ids: HashSet::new(),
            paths: Map::new(),
        };
        let ids: Vec<String> = ["get", "post", "post"].map(|method| paths.operation_id("a", method)).into();
        assert_eq!(ids, ["a", "aPost", "aPost2"]);
    }

    /// Within a server: from the list of plugins everything is reached.
    #[pg_test]
    fn what_is_documented_is_there() {
        let all = PLUGINS.iter().filter_map(|(id, source)| {
            let plugin = plugin::all().find(|plugin| plugin.id() == *id)?;
            // One that is being written has none yet.
            Some((*id, *source, plugin.routes())).filter(|(_, _, routes)| !routes.is_empty())
        });
        for (id, source, routes) in all.chain([("core", CORE, routes::ROUTES)]) {
            for (path, methods) in object(&read(source), "paths") {
                for method in methods.as_object().unwrap().keys() {
                    assert!(route(routes, path, method).is_some(), "{id}: {method} {path}");
                }
            }
        }
    }
}
