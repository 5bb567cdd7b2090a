-- Claims that a DBA's function adds to the bridge token, such as the org_id of the InsForge guide.
\set SHOW_CONTEXT never
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
CREATE ROLE regress_claims;
CREATE SCHEMA regress_hooks AUTHORIZATION regress_claims;
CREATE TABLE regress_hooks.member (user_id text, org_id text);
INSERT INTO regress_hooks.member SELECT id, 'org_1' FROM better_auth."user";
ALTER TABLE regress_hooks.member OWNER TO regress_claims;
CREATE FUNCTION pg_temp.claims() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    claims jsonb := better_auth.verify_jwt(better_auth.bridge_token((SELECT token FROM better_auth.session)));
BEGIN
    RETURN claims - 'sub' - 'sid' - 'iat' - 'exp' || jsonb_build_object('hers', claims ->> 'sub' = (SELECT id FROM better_auth."user") AND claims ->> 'sid' = (SELECT id FROM better_auth.session));
END $$;

SET ROLE regress_claims;
CREATE FUNCTION regress_hooks.claims(context jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('org_id', org_id) FROM regress_hooks.member WHERE user_id = context #>> '{user,id}'
$$;
RESET ROLE;
SET better_auth.bridge_claims_function = 'regress_hooks.claims';
SELECT pg_temp.claims();
-- No row, so NULL: nothing is added.
TRUNCATE regress_hooks.member;
SELECT pg_temp.claims();

-- What it is given, and who it is: its owner, on a fixed path, with no way to be another.
CREATE OR REPLACE FUNCTION regress_hooks.claims(context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    refused text;
BEGIN
    BEGIN
        SET ROLE postgres;
    EXCEPTION WHEN OTHERS THEN
        refused := SQLERRM;
    END;
    SET search_path = regress_hooks;
    PERFORM set_config('request.jwt.claims', '{"sub": "victim"}', false);
    RETURN jsonb_build_object('given', (SELECT jsonb_agg(key ORDER BY key) FROM jsonb_object_keys(context) key), 'user', (SELECT jsonb_agg(key ORDER BY key) FROM jsonb_object_keys(context -> 'user') key),
        'session', (SELECT jsonb_agg(key ORDER BY key) FROM jsonb_object_keys(context -> 'session') key), 'role_is', current_user, 'refused', refused);
END $$;
SELECT jsonb_pretty(pg_temp.claims());
SELECT current_user = session_user AS back, current_setting('search_path') AS path, current_setting('request.jwt.claims', true) AS claims;
CREATE OR REPLACE FUNCTION regress_hooks.claims(context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('path', current_setting('search_path')) $$;
SELECT pg_temp.claims();
-- It can do what its owner can, and no more.
CREATE OR REPLACE FUNCTION regress_hooks.claims(context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_build_object('stolen', (SELECT value FROM better_auth.signing_secret LIMIT 1)); END $$;
SELECT pg_temp.claims();
\echo :SQLSTATE

-- The role is the DBA's to choose; whose token it is and how long it lives are not.
CREATE OR REPLACE FUNCTION regress_hooks.claims(context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT current_setting('regress.claims')::jsonb $$;
SET regress.claims = '{"role": "manager", "aud": ["a", "insforge-api"], "nested": {"a": [1, 2.5, null, "é"]}, "": true, "quo\"te": 12345678901234567890}';
SELECT pg_temp.claims();
SET regress.claims = '{}';
SELECT pg_temp.claims();
SET regress.claims = '{"a": 1, "sub": "eve"}';
SELECT pg_temp.claims();
\echo :SQLSTATE
SET regress.claims = '{"sid": null}';
SELECT pg_temp.claims();
SET regress.claims = '{"iat": 1}';
SELECT pg_temp.claims();
SET regress.claims = '{"nbf": 1}';
SELECT pg_temp.claims();
SET regress.claims = '{"exp": 9999999999}';
SELECT pg_temp.claims();
SET regress.claims = '[]';
SELECT pg_temp.claims();
\echo :SQLSTATE
SET regress.claims = '"text"';
SELECT pg_temp.claims();
SET regress.claims = 'null';
SELECT pg_temp.claims();
DROP FUNCTION regress_hooks.claims(jsonb);
CREATE FUNCTION regress_hooks.claims(jsonb) RETURNS json LANGUAGE sql AS $$ SELECT '{"as": "json"}'::json $$;
SELECT pg_temp.claims();
DROP FUNCTION regress_hooks.claims(jsonb);
CREATE FUNCTION regress_hooks.claims(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT '{"as": "text"}' $$;
SELECT pg_temp.claims();
DROP FUNCTION regress_hooks.claims(jsonb);
CREATE FUNCTION regress_hooks.claims(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'no JSON' $$;
SELECT pg_temp.claims();
\echo :SQLSTATE
DROP FUNCTION regress_hooks.claims(jsonb);
CREATE FUNCTION regress_hooks.claims(jsonb) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
SELECT pg_temp.claims();
\echo :SQLSTATE
RESET better_auth.bridge_claims_function;
DROP SCHEMA regress_hooks CASCADE;
DROP ROLE regress_claims;
DELETE FROM better_auth."user";
