-- The end of the install script: requesting_user_id(), comments, privileges, tables.

-- From here on every name is qualified. Schema better_auth may have been there before, with operators in it
-- that somebody made for this moment: what a superuser's script finds by the path, it runs.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

COMMENT ON FUNCTION better_auth.sign_up_email IS 'Sign up by email and password: {token, user}. Better Auth: POST /sign-up/email.';
COMMENT ON FUNCTION better_auth.sign_in_email IS 'Sign in by email and password: {redirect, token, url, user}. Better Auth: POST /sign-in/email.';
COMMENT ON FUNCTION better_auth.sign_out IS 'End a session: {success}. Better Auth: POST /sign-out.';
COMMENT ON FUNCTION better_auth.get_session IS 'The live session with this token: {session, user}, or NULL. Prolongs it when that is due. Better Auth: GET /get-session.';
COMMENT ON FUNCTION better_auth.list_sessions IS 'All live sessions of the session''s user. Better Auth: GET /list-sessions.';
COMMENT ON FUNCTION better_auth.revoke_session IS 'End one session of the session''s user by its token: {status}. Better Auth: POST /revoke-session.';
COMMENT ON FUNCTION better_auth.revoke_sessions IS 'End all sessions of the session''s user: {status}. Better Auth: POST /revoke-sessions.';
COMMENT ON FUNCTION better_auth.revoke_other_sessions IS 'End all sessions of the session''s user but this one: {status}. Better Auth: POST /revoke-other-sessions.';
COMMENT ON FUNCTION better_auth.update_session IS 'Set additional fields of the session: {session}. Better Auth: POST /update-session.';
COMMENT ON FUNCTION better_auth.update_user IS 'Set name, image and additional fields of the session''s user: {status}. Better Auth: POST /update-user.';
COMMENT ON FUNCTION better_auth.delete_user IS 'Delete the session''s user, or send the mail that does: {success, message}. Better Auth: POST /delete-user.';
COMMENT ON FUNCTION better_auth.change_password IS 'Replace the password of the session''s user: {token, user}. Better Auth: POST /change-password.';
COMMENT ON FUNCTION better_auth.set_password IS 'Give the session''s user a password, who has none: {status}. Better Auth: setPassword.';
COMMENT ON FUNCTION better_auth.verify_password IS 'Check the password of the session''s user: {status}. Better Auth: POST /verify-password.';
COMMENT ON FUNCTION better_auth.request_password_reset IS 'Send the mail with which a user sets a new password: {status, message}. Better Auth: POST /request-password-reset.';
COMMENT ON FUNCTION better_auth.reset_password IS 'Set a new password with the token of a reset mail: {status}. Better Auth: POST /reset-password.';
COMMENT ON FUNCTION better_auth.send_verification_email IS 'Send the mail that proves an email address: {status}. Better Auth: POST /send-verification-email.';
COMMENT ON FUNCTION better_auth.verify_email IS 'Take the token of a verification mail: {status, user}. Better Auth: GET /verify-email.';
COMMENT ON FUNCTION better_auth.change_email IS 'Start the change of the email of the session''s user: {status}. Better Auth: POST /change-email.';
COMMENT ON FUNCTION better_auth.list_accounts IS 'The accounts of the session''s user. Better Auth: GET /list-accounts.';
COMMENT ON FUNCTION better_auth.unlink_account IS 'Remove an account of the session''s user by its id: {status}. Better Auth: POST /unlink-account.';
COMMENT ON FUNCTION better_auth.link_account IS 'After an OAuth exchange: sign in with a provider''s account, or link it to the session''s user. Who may execute it can be anybody: grant with care.';
COMMENT ON FUNCTION better_auth.session_cookies IS 'The cookies of a session, as values of Set-Cookie headers.';
COMMENT ON FUNCTION better_auth.handler IS 'Answer an HTTP request {method, url, headers, body} to one of Better Auth''s routes, or the bridge route, with {status, headers, body}.';
COMMENT ON FUNCTION better_auth.set_oauth_provider IS 'Set a provider up that users sign in with, in place of what there was: Better Auth''s socialProviders and genericOAuth. For superusers.';
COMMENT ON FUNCTION better_auth.delete_oauth_provider IS 'Remove a provider; whether it was there. Accounts stay. For superusers.';
COMMENT ON FUNCTION better_auth.set_provider_keys IS 'Make jwks, a JSON Web Key Set, the keys by which id tokens of that issuer are verified, which no fetch replaces; NULL forgets them. For superusers.';
COMMENT ON FUNCTION better_auth.resume IS 'Go on with a request for which handler() has answered {fetch, resume}, with what came of the fetch: {status, headers, body} or {error}. Who may execute it says what providers say: grant it to the HTTP layer alone.';
COMMENT ON FUNCTION better_auth.api IS 'Call one of Better Auth''s endpoints, or of the plugins that are on, by its name in auth.api: input is {body, query, params, headers}. Who may execute it can be anybody: grant with care.';
COMMENT ON FUNCTION better_auth.verify_api_key IS 'Whether an API key is good and allows what is asked, which is one more use of it: {valid, error, key}. Pass the key as a parameter, so that no log has it.';
COMMENT ON FUNCTION better_auth.enable_rpc IS 'Make the RPC functions in a schema that PostgREST exposes, and grant them to its roles. Idempotent.';
COMMENT ON FUNCTION better_auth.disable_rpc IS 'Remove the RPC functions from a schema.';
COMMENT ON FUNCTION better_auth.claim_mail IS 'Take up to so many mails out of mail_outbox that are due. They hold tokens that are as good as passwords: grant with care.';
COMMENT ON FUNCTION better_auth.claim_sms IS 'The same with text messages: recipient is a phone number, token the code. Grant with care.';
COMMENT ON FUNCTION better_auth.complete_mail IS 'Delete a mail that was sent. Whether it was there.';
COMMENT ON FUNCTION better_auth.fail_mail IS 'Note why a mail could not be sent. When it is given out again, or NULL for never.';
COMMENT ON FUNCTION better_auth.enqueue_fetch IS 'Have a worker make a request to another server once this transaction commits, at least once: a webhook. Its id. Who may execute it has the worker send what it wants: grant with care.';
COMMENT ON FUNCTION better_auth.claim_fetch IS 'Take up to batch requests that are due; nobody else gets them for a while. Bodies and headers may hold secrets: grant with care.';
COMMENT ON FUNCTION better_auth.complete_fetch IS 'Delete a request that was made. Whether it was there.';
COMMENT ON FUNCTION better_auth.fail_fetch IS 'Note why a request failed. When it is given out again, or NULL for never.';
COMMENT ON FUNCTION better_auth.bridge_token IS 'Mint the HS256 token of a live session for PostgREST: {sub, role, aud, iat, exp, sid}.';
COMMENT ON FUNCTION better_auth.sign_jwt IS 'Sign claims with the jwt secret (HS256). Adds iat, exp and aud where they are missing. Who may execute it can be anybody: grant with care.';
COMMENT ON FUNCTION better_auth.verify_jwt IS 'The claims of a token, verified: HS256 signature, exp, nbf, iat and aud. Raises otherwise.';
COMMENT ON FUNCTION better_auth.service_token IS 'Mint the token of a service that has no user, such as a mailer. Any subject can be named, also a user''s id: grant with care.';
COMMENT ON FUNCTION better_auth.authenticate IS 'Verify a token and, with better_auth.identity = verified, be its user until it expires or the transaction ends; returns its claims. For roles with a connection of their own.';
COMMENT ON FUNCTION better_auth.claims IS 'The verified claims of this request, or NULL: request.jwt.claims, or with better_auth.identity = verified those of authenticate().';
COMMENT ON FUNCTION better_auth.migrate IS 'Make what is missing of the tables and secrets, adopt what is there, drop nothing; returns what it did.';
COMMENT ON FUNCTION better_auth.doctor IS 'What is not as it should be in the tables that better_auth works on, and what to run. No rows where all is well.';
COMMENT ON FUNCTION better_auth.set_secret IS 'Make value the current secret of that name: cookie or jwt, or the private key, a JWK: jwt_eddsa, jwt_es256 or jwt_rs256. The one before verifies for another keep. Or the key of a captcha service: captcha; or the one that servers of the plugin oauth-proxy share: oauth_proxy.';
COMMENT ON FUNCTION better_auth.rotate_secret IS 'Make a fresh random secret the current one of that name: cookie or jwt, or a fresh private key: jwt_eddsa, jwt_es256 or jwt_rs256. The one before verifies for another keep.';
COMMENT ON FUNCTION better_auth.reencrypt_secrets IS 'Encrypt anew, under the current cookie secret, up to batch values that are kept encrypted under one that was rotated out; how many that were. To be called after rotate_secret(''cookie''), until it answers 0.';
COMMENT ON FUNCTION better_auth.purge_expired IS 'Delete up to batch expired sessions, as many expired tokens of mails, and as many old rows of the rate limit; how many rows that were. To be called from time to time.';
COMMENT ON FUNCTION better_auth.forget_rate_limits IS 'Forget what the rate limit has counted in memory in this database: every client begins anew.';
COMMENT ON FUNCTION better_auth.hash_password IS 'A password hash as sign-up stores it, for scripts that import users.';
COMMENT ON FUNCTION better_auth.verify_password_hash IS 'Whether a password is the one of a stored hash: Better Auth''s scrypt, argon2 or bcrypt.';
COMMENT ON FUNCTION better_auth.signing_secret_changed IS 'Trigger of better_auth.signing_secret: every backend forgets the keys it has in memory.';
COMMENT ON FUNCTION better_auth.jwks_json IS 'What PostgREST is given as jwt-secret to verify bridge tokens: {keys}, the public keys as a JSON Web Key Set. With with_secrets also the HS256 secrets, by which anybody can be anybody: grant with care.';
COMMENT ON FUNCTION better_auth.rows_changed IS 'Trigger of tables whose rows backends keep in memory, such as better_auth.jwks: every backend forgets them.';

-- Nothing is executable by anyone but the owner until a DBA grants it, whatever PostgreSQL's defaults
-- and ALTER DEFAULT PRIVILEGES say.
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
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %s', privilege.function, privilege.grantee);
    END LOOP;
END
$$;
-- The same for the schema where ALTER DEFAULT PRIVILEGES has opened it just now. A row that is as young as
-- this transaction, or younger, and visible, is its own; grants on an older schema were somebody's intention.
DO $$
DECLARE
    privilege pg_catalog.record;
BEGIN
    FOR privilege IN
        SELECT DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee
        FROM pg_catalog.pg_namespace n
        JOIN pg_catalog.pg_default_acl d
          ON d.defaclrole OPERATOR(pg_catalog.=) n.nspowner AND d.defaclobjtype OPERATOR(pg_catalog.=) 'n'
        CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
        WHERE n.nspname OPERATOR(pg_catalog.=) 'better_auth'
          AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
          AND pg_catalog.age(n.xmin) OPERATOR(pg_catalog.<=)
              pg_catalog.age(pg_catalog.xid(pg_catalog.pg_current_xact_id()))
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA better_auth FROM %s', privilege.grantee);
    END LOOP;
END
$$;

-- The scaffold's requesting_user_id(), which start.sql has looked at. Policies depend on it, so it can't be dropped, and
-- CREATE OR REPLACE takes it only while it is a member. Where there is none, migrate() makes it, in the same way.
DO $$
BEGIN
    IF pg_catalog.to_regprocedure('public.requesting_user_id()') IS NULL THEN
        RETURN;
    END IF;
    ALTER EXTENSION better_auth ADD FUNCTION public.requesting_user_id();
    CREATE OR REPLACE FUNCTION public.requesting_user_id() RETURNS pg_catalog.text
        LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
        AS 'MODULE_PATHNAME', 'requesting_user_id_wrapper';
    ALTER FUNCTION public.requesting_user_id() OWNER TO CURRENT_USER;
    COMMENT ON FUNCTION public.requesting_user_id() IS 'Id of the user who is asking: the sub of request.jwt.claims, or NULL. For row level security policies.';
    GRANT EXECUTE ON FUNCTION public.requesting_user_id() TO PUBLIC;
    ALTER EXTENSION better_auth DROP FUNCTION public.requesting_user_id();
    ALTER FUNCTION public.requesting_user_id() DEPENDS ON EXTENSION better_auth;
END
$$;

-- The tables hold the users, so they are ordinary tables, not members: DROP EXTENSION keeps them, and a dump has them
-- whole, with the columns that plugins added. Nor is requesting_user_id() one: DROP SCHEMA public CASCADE would take the
-- extension along. A dump restores the extension before both, which must not be made here then. It begins with settings
-- that nobody else makes all of; row_security = off is the one that people may make by hand.
DO $$
DECLARE
    member pg_catalog.record;
BEGIN
    IF pg_catalog.current_setting('row_security') OPERATOR(pg_catalog.=) 'off'
        OR (SELECT pg_catalog.count(*) FROM pg_catalog.pg_settings s
            WHERE s.source OPERATOR(pg_catalog.=) 'session'
              AND s.name OPERATOR(pg_catalog.=) ANY (ARRAY['row_security', 'xmloption', 'statement_timeout', 'lock_timeout',
                  'idle_in_transaction_session_timeout', 'standard_conforming_strings'])) OPERATOR(pg_catalog.=) 6 THEN
        RAISE WARNING 'better_auth made no tables, because %, as it is while a dump is restored',
            CASE pg_catalog.current_setting('row_security') WHEN 'off' THEN 'row_security is off' ELSE 'every setting of a dump is set' END
            USING HINT = 'If this is not a restore, run: SELECT * FROM better_auth.migrate();';
        RETURN;
    END IF;
    PERFORM better_auth.migrate();
    IF pg_catalog.to_regnamespace('public') IS NULL THEN
        RAISE WARNING 'there is no schema public: the function for policies is better_auth.requesting_user_id()';
    END IF;
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
