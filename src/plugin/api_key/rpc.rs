//! The plugin for PostgREST: a function for each route.

use pgrx::prelude::*;

use crate::api::jsonb::{JsonText, Jsonb};
use crate::api::raise::OrRaise;
use crate::api::rpc::Call;
use crate::plugin::Rpc;

pub(super) const FUNCTIONS: &[Rpc] = &[
    Rpc {
        name: "create_api_key",
        arguments: "name text DEFAULT NULL, expires_in float8 DEFAULT NULL, prefix text DEFAULT NULL, metadata jsonb DEFAULT NULL, config_id text DEFAULT NULL, organization_id text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Make an API key, for so many seconds or for as long as there are: its row, with the key, which nobody sees again",
    },
    Rpc {
        name: "get_api_key",
        arguments: "id text, config_id text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "An API key, without the key itself",
    },
    Rpc {
        name: "update_api_key",
        arguments: "key_id text, name text DEFAULT NULL, enabled boolean DEFAULT NULL, expires_in float8 DEFAULT NULL, metadata jsonb DEFAULT NULL, config_id text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Change an API key, which is the answer",
    },
    Rpc {
        name: "delete_api_key",
        arguments: "key_id text, config_id text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "Delete an API key: {success}",
    },
    Rpc {
        name: "list_api_keys",
        arguments: "config_id text DEFAULT NULL, organization_id text DEFAULT NULL, \"limit\" text DEFAULT NULL, \"offset\" text DEFAULT NULL, sort_by text DEFAULT NULL, sort_direction text DEFAULT NULL, session_token text DEFAULT NULL",
        comment: "The API keys of the user or of an organization: {apiKeys, total, limit, offset}",
    },
];

#[pg_extern(sql = false)]
fn rpc_create_api_key(
    name: Option<&str>,
    expires_in: Option<f64>,
    prefix: Option<&str>,
    metadata: Option<Jsonb<'_>>,
    config_id: Option<&str>,
    organization_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("name", name)
        .value("expiresIn", expires_in.map(Into::into))
        .text("prefix", prefix)
        .value("metadata", metadata.map(|metadata| metadata.value("metadata").or_raise()))
        .text("configId", config_id)
        .text("organizationId", organization_id)
        .post("/api-key/create")
}

#[pg_extern(sql = false)]
fn rpc_get_api_key(id: Option<&str>, config_id: Option<&str>, session_token: Option<&str>) -> JsonText {
    let query = [("id", id), ("configId", config_id)];
    let query: Vec<(&str, &str)> =
        query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    Call::with(session_token).call("GET", "/api-key/get", &query)
}

#[pg_extern(sql = false)]
fn rpc_update_api_key(
    key_id: Option<&str>,
    name: Option<&str>,
    enabled: Option<bool>,
    expires_in: Option<f64>,
    metadata: Option<Jsonb<'_>>,
    config_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token)
        .text("keyId", key_id)
        .text("name", name)
        .boolean("enabled", enabled)
        .value("expiresIn", expires_in.map(Into::into))
        .value("metadata", metadata.map(|metadata| metadata.value("metadata").or_raise()))
        .text("configId", config_id)
        .post("/api-key/update")
}

#[pg_extern(sql = false)]
fn rpc_delete_api_key(
    key_id: Option<&str>,
    config_id: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    Call::with(session_token).text("keyId", key_id).text("configId", config_id).post("/api-key/delete")
}

#[pg_extern(sql = false)]
fn rpc_list_api_keys(
    config_id: Option<&str>,
    organization_id: Option<&str>,
    limit: Option<&str>,
    offset: Option<&str>,
    sort_by: Option<&str>,
    sort_direction: Option<&str>,
    session_token: Option<&str>,
) -> JsonText {
    let query = [
        ("configId", config_id),
        ("organizationId", organization_id),
        ("limit", limit),
        ("offset", offset),
        ("sortBy", sort_by),
        ("sortDirection", sort_direction),
    ];
    let query: Vec<(&str, &str)> =
        query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    Call::with(session_token).call("GET", "/api-key/list", &query)
}
