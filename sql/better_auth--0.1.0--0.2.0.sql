-- From 0.1.0 to 0.2.0. What an updated database has must be what CREATE EXTENSION makes:
-- pg_test/server/upgrade.test.mjs compares the two.

-- Every name is qualified: others may have put objects into schema better_auth since, and what a superuser's
-- script finds by the path, it runs.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

-- A connection keeps the library that it has loaded, and one that the server preloads stays until it restarts.
DO $$
BEGIN
    CREATE FUNCTION better_auth.doctor() RETURNS TABLE (
            severity pg_catalog.text, object pg_catalog.text, message pg_catalog.text, run pg_catalog.text)
        LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'doctor_wrapper';
EXCEPTION WHEN undefined_function THEN
    RAISE EXCEPTION 'this connection still has the library of better_auth 0.1.0'
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Connect again and repeat ALTER EXTENSION better_auth UPDATE; where a preload setting names the library, restart the server first.';
END
$$;
COMMENT ON FUNCTION better_auth.doctor IS 'What is not as it should be in the tables that better_auth works on, and what to run. No rows where all is well.';

-- Without its planner support function, wherever it has been moved to.
DO $$
DECLARE
    function pg_catalog.regprocedure;
BEGIN
    FOR function IN
        SELECT p.oid FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_proc support ON support.oid OPERATOR(pg_catalog.=) p.prosupport
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) support.pronamespace
        WHERE support.proname OPERATOR(pg_catalog.=) 'requesting_user_id_support'
          AND n.nspname OPERATOR(pg_catalog.=) 'better_auth'
    LOOP
        EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION %s RETURNS pg_catalog.text
            LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE AS %L, %L', function, 'MODULE_PATHNAME', 'requesting_user_id_wrapper');
    END LOOP;
END
$$;
DROP FUNCTION better_auth.requesting_user_id_support(pg_catalog.internal);

CREATE FUNCTION better_auth.forget_rate_limits() RETURNS pg_catalog.void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'forget_rate_limits_wrapper';
COMMENT ON FUNCTION better_auth.forget_rate_limits IS 'Forget what the rate limit has counted in memory in this database: every client begins anew.';
COMMENT ON FUNCTION better_auth.purge_expired IS 'Delete up to batch expired sessions, as many expired tokens of mails, and as many old rows of the rate limit; how many rows that were. To be called from time to time.';

CREATE FUNCTION better_auth.reencrypt_secrets(batch pg_catalog.int4 DEFAULT 10000) RETURNS pg_catalog.int8
    LANGUAGE c AS 'MODULE_PATHNAME', 'reencrypt_secrets_wrapper';
COMMENT ON FUNCTION better_auth.reencrypt_secrets IS 'Encrypt anew, under the current cookie secret, up to batch values that are kept encrypted under one that was rotated out; how many that were. To be called after rotate_secret(''cookie''), until it answers 0.';

CREATE FUNCTION better_auth.set_oauth_provider(
        id pg_catalog.text, client_id pg_catalog.text, client_secret pg_catalog.text DEFAULT NULL,
        options pg_catalog.jsonb DEFAULT '{}')
    RETURNS pg_catalog.void LANGUAGE c AS 'MODULE_PATHNAME', 'set_oauth_provider_wrapper';
COMMENT ON FUNCTION better_auth.set_oauth_provider IS 'Set a provider up that users sign in with, in place of what there was: Better Auth''s socialProviders and genericOAuth. For superusers.';
CREATE FUNCTION better_auth.delete_oauth_provider(id pg_catalog.text) RETURNS pg_catalog.bool
    LANGUAGE c AS 'MODULE_PATHNAME', 'delete_oauth_provider_wrapper';
COMMENT ON FUNCTION better_auth.delete_oauth_provider IS 'Remove a provider; whether it was there. Accounts stay. For superusers.';
CREATE FUNCTION better_auth.set_provider_keys(issuer pg_catalog.text, jwks pg_catalog.jsonb) RETURNS pg_catalog.void
    LANGUAGE c AS 'MODULE_PATHNAME', 'set_provider_keys_wrapper';
COMMENT ON FUNCTION better_auth.set_provider_keys IS 'Make jwks, a JSON Web Key Set, the keys by which id tokens of that issuer are verified, which no fetch replaces; NULL forgets them. For superusers.';
CREATE FUNCTION better_auth.resume(resume pg_catalog.text, response pg_catalog.jsonb) RETURNS pg_catalog.jsonb
    LANGUAGE c AS 'MODULE_PATHNAME', 'resume_wrapper';
COMMENT ON FUNCTION better_auth.resume IS 'Go on with a request for which handler() has answered {fetch, resume}, with what came of the fetch: {status, headers, body} or {error}. Who may execute it says what providers say: grant it to the HTTP layer alone.';

CREATE FUNCTION better_auth.api(
        endpoint pg_catalog.text, input pg_catalog.jsonb DEFAULT '{}', session_token pg_catalog.text DEFAULT NULL,
        ip_address pg_catalog.text DEFAULT NULL, user_agent pg_catalog.text DEFAULT NULL)
    RETURNS pg_catalog.jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'api_wrapper';
COMMENT ON FUNCTION better_auth.api IS 'Call one of Better Auth''s endpoints, or of the plugins that are on, by its name in auth.api: input is {body, query, params, headers}. Who may execute it can be anybody: grant with care.';
CREATE FUNCTION better_auth.verify_api_key(
        key pg_catalog.text, permissions pg_catalog.jsonb DEFAULT NULL, config_id pg_catalog.text DEFAULT NULL)
    RETURNS pg_catalog.jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'verify_api_key_wrapper';
COMMENT ON FUNCTION better_auth.verify_api_key IS 'Whether an API key is good and allows what is asked, which is one more use of it: {valid, error, key}. Pass the key as a parameter, so that no log has it.';
CREATE FUNCTION better_auth.claim_sms(batch pg_catalog.int4 DEFAULT 10) RETURNS TABLE (
        id pg_catalog.text, kind pg_catalog.text, recipient pg_catalog.text, url pg_catalog.text, token pg_catalog.text,
        data pg_catalog.jsonb, attempts pg_catalog.int4, created_at pg_catalog.timestamptz, expires_at pg_catalog.timestamptz)
    LANGUAGE c AS 'MODULE_PATHNAME', 'claim_sms_wrapper';
COMMENT ON FUNCTION better_auth.claim_sms IS 'The same with text messages: recipient is a phone number, token the code. Grant with care.';
CREATE FUNCTION better_auth.enqueue_fetch(
        url pg_catalog.text, body pg_catalog.jsonb DEFAULT NULL, headers pg_catalog.jsonb DEFAULT '{}',
        method pg_catalog.text DEFAULT 'POST')
    RETURNS pg_catalog.text LANGUAGE c AS 'MODULE_PATHNAME', 'enqueue_fetch_wrapper';
COMMENT ON FUNCTION better_auth.enqueue_fetch IS 'Have a worker make a request to another server once this transaction commits, at least once: a webhook. Its id. Who may execute it has the worker send what it wants: grant with care.';
CREATE FUNCTION better_auth.claim_fetch(batch pg_catalog.int4 DEFAULT 10) RETURNS TABLE (
        id pg_catalog.text, method pg_catalog.text, url pg_catalog.text, headers pg_catalog.jsonb, body pg_catalog.jsonb,
        attempts pg_catalog.int4, created_at pg_catalog.timestamptz, expires_at pg_catalog.timestamptz)
    LANGUAGE c AS 'MODULE_PATHNAME', 'claim_fetch_wrapper';
COMMENT ON FUNCTION better_auth.claim_fetch IS 'Take up to batch requests that are due; nobody else gets them for a while. Bodies and headers may hold secrets: grant with care.';
CREATE FUNCTION better_auth.complete_fetch(id pg_catalog.text) RETURNS pg_catalog.bool
    LANGUAGE c AS 'MODULE_PATHNAME', 'complete_fetch_wrapper';
COMMENT ON FUNCTION better_auth.complete_fetch IS 'Delete a request that was made. Whether it was there.';
CREATE FUNCTION better_auth.fail_fetch(id pg_catalog.text, error pg_catalog.text) RETURNS pg_catalog.timestamptz
    LANGUAGE c AS 'MODULE_PATHNAME', 'fail_fetch_wrapper';
COMMENT ON FUNCTION better_auth.fail_fetch IS 'Note why a request failed. When it is given out again, or NULL for never.';
CREATE FUNCTION better_auth.authenticate(token pg_catalog.text)
    RETURNS pg_catalog.jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'authenticate_wrapper';
COMMENT ON FUNCTION better_auth.authenticate IS 'Verify a token and, with better_auth.identity = verified, be its user until it expires or the transaction ends; returns its claims. For roles with a connection of their own.';
COMMENT ON FUNCTION better_auth.claims IS 'The verified claims of this request, or NULL: request.jwt.claims, or with better_auth.identity = verified those of authenticate().';

CREATE FUNCTION better_auth.jwks_json(with_secrets pg_catalog.bool DEFAULT false) RETURNS pg_catalog.jsonb
    LANGUAGE c AS 'MODULE_PATHNAME', 'jwks_json_wrapper';
COMMENT ON FUNCTION better_auth.jwks_json IS 'What PostgREST is given as jwt-secret to verify bridge tokens: {keys}, the public keys as a JSON Web Key Set. With with_secrets also the HS256 secrets, by which anybody can be anybody: grant with care.';
COMMENT ON FUNCTION better_auth.set_secret IS 'Make value the current secret of that name: cookie or jwt, or the private key, a JWK: jwt_eddsa, jwt_es256 or jwt_rs256. The one before verifies for another keep. Or the key of a captcha service: captcha; or the one that servers of the plugin oauth-proxy share: oauth_proxy.';
COMMENT ON FUNCTION better_auth.rotate_secret IS 'Make a fresh random secret the current one of that name: cookie or jwt, or a fresh private key: jwt_eddsa, jwt_es256 or jwt_rs256. The one before verifies for another keep.';
CREATE FUNCTION better_auth.rows_changed() RETURNS pg_catalog.trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'rows_changed_wrapper';
COMMENT ON FUNCTION better_auth.rows_changed IS 'Trigger of tables whose rows backends keep in memory, such as better_auth.jwks: every backend forgets them.';

-- No longer a member: DROP SCHEMA public CASCADE took the extension along.
DO $$
DECLARE
    function pg_catalog.regprocedure;
BEGIN
    FOR function IN
        SELECT p.oid FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_depend d
          ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
         AND d.objid OPERATOR(pg_catalog.=) p.oid
         AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
         AND d.deptype OPERATOR(pg_catalog.=) 'e'
        JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
        WHERE e.extname OPERATOR(pg_catalog.=) 'better_auth' AND p.proname OPERATOR(pg_catalog.=) 'requesting_user_id'
    LOOP
        EXECUTE pg_catalog.format('ALTER EXTENSION better_auth DROP FUNCTION %s', function);
        EXECUTE pg_catalog.format('ALTER FUNCTION %s DEPENDS ON EXTENSION better_auth', function);
    END LOOP;
END
$$;

-- As in finish.sql, for the functions that are new: nobody but the owner may execute them, whatever ALTER DEFAULT
-- PRIVILEGES says. A row that is as young as this transaction is its own. Grants on the others are the DBA's.
DO $$
DECLARE
    privilege pg_catalog.record;
BEGIN
    FOR privilege IN
        SELECT p.oid::pg_catalog.regprocedure AS function,
               CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee
        FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_depend d
          ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
         AND d.refobjid OPERATOR(pg_catalog.=) e.oid
         AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
         AND d.deptype OPERATOR(pg_catalog.=) 'e'
        JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid
        CROSS JOIN LATERAL pg_catalog.aclexplode(
            COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
        WHERE e.extname OPERATOR(pg_catalog.=) 'better_auth'
          AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
          AND pg_catalog.age(p.xmin) OPERATOR(pg_catalog.<=)
              pg_catalog.age(pg_catalog.xid(pg_catalog.pg_current_xact_id()))
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %s', privilege.function, privilege.grantee);
    END LOOP;
END
$$;

-- handler() takes an argument of any type that is JSON or text. Who might execute it may so again; behind the above,
-- which would take that from them.
DO $$
DECLARE
    old CONSTANT pg_catalog.regprocedure := 'better_auth.handler(pg_catalog.jsonb)'::pg_catalog.regprocedure;
    owner pg_catalog.oid;
    granted pg_catalog._text;
    statement pg_catalog.text;
BEGIN
    SELECT p.proowner, ARRAY(
        SELECT pg_catalog.format('GRANT EXECUTE ON FUNCTION better_auth.handler TO %s%s',
                   CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
                   CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
        WHERE a.grantee OPERATOR(pg_catalog.<>) p.proowner)
    INTO owner, granted
    FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.=) old;
    DROP FUNCTION better_auth.handler(pg_catalog.jsonb);
    CREATE FUNCTION better_auth.handler(request pg_catalog.anycompatible) RETURNS pg_catalog.jsonb
        LANGUAGE c AS 'MODULE_PATHNAME', 'handler_wrapper';
    COMMENT ON FUNCTION better_auth.handler IS 'Answer an HTTP request {method, url, headers, body} to one of Better Auth''s routes, or the bridge route, with {status, headers, body}.';
    EXECUTE pg_catalog.format('ALTER FUNCTION better_auth.handler OWNER TO %I', pg_catalog.pg_get_userbyid(owner));
    -- What ALTER DEFAULT PRIVILEGES gave.
    FOR statement IN
        SELECT pg_catalog.format('REVOKE ALL ON FUNCTION better_auth.handler FROM %s',
                   CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)
        FROM pg_catalog.pg_proc p
        CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
        WHERE p.oid OPERATOR(pg_catalog.=) 'better_auth.handler'::pg_catalog.regproc
          AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
    LOOP
        EXECUTE statement;
    END LOOP;
    FOREACH statement IN ARRAY granted LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

-- Tables, columns, indexes and triggers that are new, or refused before anything is changed. At the end: what
-- migrate() is may have changed above. Tables are no members; see finish.sql.
DO $$
DECLARE
    member pg_catalog.record;
BEGIN
    PERFORM better_auth.migrate();
    FOR member IN
        SELECT c.oid::pg_catalog.regclass AS name,
               CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
        FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_depend d
          ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
         AND d.refobjid OPERATOR(pg_catalog.=) e.oid
         AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
         AND d.deptype OPERATOR(pg_catalog.=) 'e'
        JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objid
        WHERE e.extname OPERATOR(pg_catalog.=) 'better_auth'
    LOOP
        EXECUTE pg_catalog.format('ALTER EXTENSION better_auth DROP %s %s', member.kind, member.name);
    END LOOP;
END
$$;
