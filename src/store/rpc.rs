//! The RPC functions in a schema that PostgREST exposes. They are C functions, as those of this extension, so
//! that whoever calls them needs no privilege on schema `better_auth`, and none of them is SECURITY DEFINER.

use crate::error::AuthError;
use crate::plugin;
use crate::store::migrate::library;
use crate::store::sql::{as_caller, run_once};

/// Name, arguments with their defaults, and COMMENT of each. All are VOLATILE: PostgREST runs those by POST in
/// a transaction that may write, and each may at least prolong a session.
const FUNCTIONS: [(&str, &str, &str); 21] = [
    (
        "sign_up_email",
        "email text, password text, name text, image text DEFAULT NULL, callback_url text DEFAULT NULL, remember_me boolean DEFAULT NULL, additional_fields jsonb DEFAULT NULL",
        "Sign up by email and password; sets the session cookie: {token, user}",
    ),
    (
        "sign_in_email",
        "email text, password text, remember_me boolean DEFAULT NULL, callback_url text DEFAULT NULL",
        "Sign in by email and password; sets the session cookie: {redirect, token, url, user}",
    ),
    (
        "sign_in_social",
        "provider text, id_token text, nonce text DEFAULT NULL, access_token text DEFAULT NULL, user_data jsonb DEFAULT NULL, request_sign_up boolean DEFAULT NULL",
        "Sign in with an id token of a provider; sets the session cookie: {redirect, token, user}",
    ),
    ("sign_out", "session_token text DEFAULT NULL", "End the session: {success}"),
    ("get_session", "session_token text DEFAULT NULL", "The session: {session, user}, or null"),
    ("bridge_token", "session_token text DEFAULT NULL", "The token for the next requests: {token}"),
    ("list_sessions", "session_token text DEFAULT NULL", "The user''s sessions"),
    (
        "revoke_session",
        "token text, session_token text DEFAULT NULL",
        "End one of the user''s sessions: {status}",
    ),
    ("revoke_sessions", "session_token text DEFAULT NULL", "End all of the user''s sessions: {status}"),
    ("revoke_other_sessions", "session_token text DEFAULT NULL", "End the user''s other sessions: {status}"),
    (
        "update_user",
        "name text DEFAULT NULL, image text DEFAULT NULL, additional_fields jsonb DEFAULT NULL, session_token text DEFAULT NULL",
        "Set name, image and additional fields: {status}",
    ),
    (
        "change_password",
        "current_password text, new_password text, revoke_other_sessions boolean DEFAULT NULL, session_token text DEFAULT NULL",
        "Replace the password: {token, user}",
    ),
    (
        "request_password_reset",
        "email text, redirect_to text DEFAULT NULL",
        "Send the mail with which a user sets a new password: {status, message}",
    ),
    (
        "reset_password",
        "token text, new_password text",
        "Set a new password with the token of a reset mail: {status}",
    ),
    (
        "send_verification_email",
        "email text, callback_url text DEFAULT NULL, session_token text DEFAULT NULL",
        "Send the mail that proves an email address: {status}",
    ),
    (
        "verify_email",
        "token text, session_token text DEFAULT NULL",
        "Take the token of a verification mail: {status, user}",
    ),
    (
        "change_email",
        "new_email text, callback_url text DEFAULT NULL, session_token text DEFAULT NULL",
        "Start the change of the email: {status}",
    ),
    (
        "delete_user",
        "password text DEFAULT NULL, token text DEFAULT NULL, callback_url text DEFAULT NULL, session_token text DEFAULT NULL",
        "Delete the user, or send the mail that does: {success, message}",
    ),
    ("list_accounts", "session_token text DEFAULT NULL", "The user''s accounts"),
    (
        "link_social",
        "provider text, id_token text, nonce text DEFAULT NULL, access_token text DEFAULT NULL, refresh_token text DEFAULT NULL, session_token text DEFAULT NULL",
        "Link the account of an id token to the user: {url, status, redirect}",
    ),
    (
        "unlink_account",
        "account_id text, session_token text DEFAULT NULL",
        "Remove one of the user''s accounts by its id: {status}",
    ),
];

/// What `better_auth_handler()` returns: to PostgREST, a body of any type.
const ANY_TYPE: &str = r#""*/*""#;
const ANY_TYPE_COMMENT: &str = "A body of any media type, for PostgREST; made by better_auth";

/// The body of `pre_request()`, before and after the schema's name. In PL/pgSQL, because the SQLSTATE that PostgREST answers
/// with 401 is none of PostgreSQL's.
const PRE_REQUEST: (&str, &str) = (
    "BEGIN IF NOT ",
    ".session_is_live() THEN RAISE EXCEPTION 'Unauthorized' USING ERRCODE = 'PT401', DETAIL = 'UNAUTHORIZED'; END IF; END",
);

/// Makes or replaces one function, for `roles` alone.
fn create(
    schema: &str,
    name: &str,
    arguments: &'static str,
    definition: &str,
    comment: &str,
    roles: &str,
) -> Result<(), AuthError> {
    run_once(&format!("CREATE OR REPLACE FUNCTION {schema}.{name}({arguments}) {definition}"))?;
    // Of an argument without a name, the type is all there is.
    let type_of = |argument: &'static str| argument.split(' ').nth(1).unwrap_or(argument);
    let types: Vec<&str> = arguments.split(", ").map(type_of).collect();
    let function = format!("{schema}.{name}({})", types.join(", "));
    for statement in [
        format!("COMMENT ON FUNCTION {function} IS '{comment}'"),
        // Sweeps of a schema may have given it away, and with it the right to make it another function.
        format!("ALTER FUNCTION {function} OWNER TO CURRENT_USER"),
        format!("REVOKE ALL ON FUNCTION {function} FROM PUBLIC"),
        format!("GRANT EXECUTE ON FUNCTION {function} TO {roles}"),
        // So that DROP EXTENSION takes it along.
        format!("ALTER FUNCTION {function} DEPENDS ON EXTENSION better_auth"),
    ] {
        run_once(&statement)?;
    }
    Ok(())
}

/// What a function of ours in `pg_proc p` is known by: the library and the symbol in it; `pre_request()` by its
/// body, so that one that somebody made of it is theirs.
fn is_ours() -> String {
    let (before, after) = PRE_REQUEST;
    format!(
        "(p.prolang = (SELECT l.oid FROM pg_catalog.pg_language l WHERE l.lanname = 'c')
          AND pg_catalog.starts_with(p.prosrc, 'rpc_')
          AND p.probin = (SELECT h.probin FROM pg_catalog.pg_proc h WHERE h.oid = 'better_auth.bridge_token(pg_catalog.text)'::pg_catalog.regprocedure)
          OR p.proname = 'pre_request' AND pg_catalog.starts_with(p.prosrc, {})
          AND pg_catalog.right(p.prosrc, {}) = {})",
        pgrx::spi::quote_literal(before),
        after.len(),
        pgrx::spi::quote_literal(after),
    )
}

/// Makes the functions in `schema` and grants them to `roles`, as the caller, who has to be a superuser: the
/// functions are C.
///
/// # Errors
/// The schema or a role isn't there, or somebody else's function has the name of one.
pub(crate) fn enable(schema: &str, roles: &[&str]) -> Result<(), AuthError> {
    as_caller(|| {
        let namespace = namespace(schema)?;
        if schema == "better_auth" || schema == "information_schema" || schema.starts_with("pg_") {
            return Err(AuthError::Setup(format!(
                "schema \"{schema}\" is not one for PostgREST to expose; choose another"
            )));
        }
        let roles = existing_roles(roles)?;
        let schema = pgrx::spi::quote_identifier(schema);
        let library = library()?;
        let on = plugin::on();
        let of_plugins = || on.iter().flat_map(|plugin| plugin.rpc());
        let mut names = FUNCTIONS.map(|(name, ..)| name).to_vec();
        names.extend(of_plugins().map(|function| function.name));
        names.extend(["better_auth_handler", "session_is_live", "pre_request"]);
        let foreign = run_once(&format!(
            "SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text FROM pg_catalog.pg_proc p
             WHERE p.pronamespace = {namespace}::pg_catalog.oid AND p.proname IN ('{}') AND NOT {}",
            names.join("', '"),
            is_ours(),
        ))?;
        if let Some(foreign) = foreign.first() {
            return Err(AuthError::Setup(format!(
                "{foreign} exists already and is not of better_auth; rename it, or choose another schema"
            )));
        }
        // Those of plugins that are off by now.
        let off = plugin::all().flat_map(|plugin| plugin.rpc()).map(|function| function.name);
        let off: Vec<&str> = off.filter(|name| !names.contains(name)).collect();
        if !off.is_empty() {
            let symbols: Vec<String> = off.iter().map(|name| format!("'rpc_{name}_wrapper'")).collect();
            drop_ours(&namespace, &format!("AND p.prosrc IN ({})", symbols.join(", ")))?;
        }
        let plugins = of_plugins().map(|function| (function.name, function.arguments, function.comment));
        for (name, arguments, comment) in FUNCTIONS.into_iter().chain(plugins) {
            let definition =
                format!("RETURNS pg_catalog.jsonb LANGUAGE c VOLATILE AS {library}, 'rpc_{name}_wrapper'");
            create(&schema, name, arguments, &definition, comment, &roles)?;
        }
        let any_type = any_type(&schema, &namespace)?;
        let definition =
            format!("RETURNS {any_type} LANGUAGE c VOLATILE AS {library}, 'rpc_better_auth_handler_wrapper'");
        let comment = "Better Auth''s whole endpoint tree, for a proxy in front of PostgREST";
        create(&schema, "better_auth_handler", "pg_catalog.bytea", &definition, comment, &roles)?;
        // The function holds on to it from here on; until then its owner could have made it another one.
        self::any_type(&schema, &namespace)?;
        let definition = format!(
            "RETURNS pg_catalog.bool LANGUAGE c VOLATILE AS {library}, 'rpc_session_is_live_wrapper'"
        );
        let comment = "Whether the session of the request''s bridge token is still there";
        create(&schema, "session_is_live", "", &definition, comment, &roles)?;
        let (before, after) = PRE_REQUEST;
        let body = pgrx::spi::quote_literal(format!("{before}{schema}{after}"));
        let definition = format!("RETURNS pg_catalog.void LANGUAGE plpgsql AS {body}");
        let comment = "For PostgREST''s db-pre-request: turns bridge tokens of revoked sessions away";
        create(&schema, "pre_request", "", &definition, comment, &roles)?;
        reload()
    })
}

/// The quoted name of the domain [`ANY_TYPE`] in `schema`. PostgREST casts to it, as the request's role, so it
/// can't be in schema `better_auth`.
///
/// # Errors
/// There is one that is something else.
fn any_type(schema: &str, namespace: &str) -> Result<String, AuthError> {
    let name = format!("{schema}.{ANY_TYPE}");
    let found = run_once(&format!(
        "SELECT (t.typtype = 'd' AND t.typbasetype = 'pg_catalog.bytea'::pg_catalog.regtype AND NOT t.typnotnull
             AND t.typdefault IS NULL AND t.typdefaultbin IS NULL
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.contypid = t.oid))::pg_catalog.text
         FROM pg_catalog.pg_type t
         WHERE t.typnamespace = {namespace}::pg_catalog.oid AND t.typname = '*/*'"
    ))?;
    match found.first().map(String::as_str) {
        None => {
            run_once(&format!("CREATE DOMAIN {name} AS pg_catalog.bytea"))?;
            run_once(&format!("COMMENT ON DOMAIN {name} IS '{ANY_TYPE_COMMENT}'"))?;
        }
        // Sweeps give what is in public to another role (InsForge's, to project_admin), who could add a constraint
        // with code of theirs. Taken back first, and looked at again after the function has been made.
        Some("true") => {
            run_once(&format!("ALTER DOMAIN {name} OWNER TO CURRENT_USER"))?;
        }
        Some(_) => {
            return Err(AuthError::Setup(format!(
                "{name} exists already and is not a plain domain over bytea; change it, or choose another schema"
            )));
        }
    }
    Ok(name)
}

/// Removes the functions from `schema`, and the domain unless somebody else uses it.
///
/// # Errors
/// No such schema.
pub(crate) fn disable(schema: &str) -> Result<(), AuthError> {
    as_caller(|| {
        let namespace = namespace(schema)?;
        drop_ours(&namespace, "")?;
        let unused = run_once(&format!(
            "SELECT pg_catalog.format('%I.%I', n.nspname, t.typname)
             FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
             WHERE t.typnamespace = {namespace}::pg_catalog.oid AND t.typname = '*/*'
                AND pg_catalog.obj_description(t.oid, 'pg_type') = '{ANY_TYPE_COMMENT}'
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.oid AND d.deptype <> 'i')"
        ))?;
        for domain in unused {
            run_once(&format!("DROP DOMAIN {domain}"))?;
        }
        reload()
    })
}

/// Removes functions of ours, all or those of which more is true.
fn drop_ours(namespace: &str, which: &str) -> Result<(), AuthError> {
    let ours = run_once(&format!(
        "SELECT pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
         FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE p.pronamespace = {namespace}::pg_catalog.oid AND {} {which}",
        is_ours(),
    ))?;
    ours.iter().try_for_each(|function| run_once(&format!("DROP FUNCTION {function}")).map(drop))
}

/// PostgREST keeps what there is in memory.
fn reload() -> Result<(), AuthError> {
    run_once("SELECT pg_catalog.pg_notify('pgrst', 'reload schema')::pg_catalog.text").map(drop)
}

/// The oid of a schema, as text.
fn namespace(schema: &str) -> Result<String, AuthError> {
    let name = pgrx::spi::quote_literal(schema);
    let found = run_once(&format!(
        "SELECT n.oid::pg_catalog.text FROM pg_catalog.pg_namespace n WHERE n.nspname = {name}"
    ))?;
    found.into_iter().next().ok_or_else(|| AuthError::Setup(format!("schema \"{schema}\" does not exist")))
}

/// The quoted names of roles, separated by commas.
fn existing_roles(roles: &[&str]) -> Result<String, AuthError> {
    let (mut names, mut missing) = (Vec::new(), Vec::new());
    for role in roles {
        let name = pgrx::spi::quote_literal(role);
        let found = run_once(&format!(
            "SELECT pg_catalog.quote_ident(r.rolname) FROM pg_catalog.pg_roles r WHERE r.rolname = {name}"
        ))?;
        match found.into_iter().next() {
            Some(found) => names.push(found),
            None => missing.push(pgrx::spi::quote_identifier(role)),
        }
    }
    if missing.is_empty() {
        return Ok(names.join(", "));
    }
    let create: Vec<String> = missing.iter().map(|role| format!("CREATE ROLE {role} NOLOGIN;")).collect();
    let (noun, verb) = if missing.len() == 1 { ("role", "does") } else { ("roles", "do") };
    Err(AuthError::Setup(format!(
        "{noun} {} {verb} not exist; run: {}",
        missing.join(", "),
        create.join(" ")
    )))
}
