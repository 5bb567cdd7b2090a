-- What a setting that names a DBA's function may name: schema.name of a plain function of one jsonb.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
CREATE SCHEMA "Regress Hooks";
CREATE FUNCTION "Regress Hooks"."the ""hook"""(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"odd": true}'::jsonb $$;
CREATE FUNCTION "Regress Hooks".of_text(text) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION "Regress Hooks".of_none() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION "Regress Hooks".of_two(jsonb, jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION "Regress Hooks".of_any(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION "Regress Hooks".a_set(jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE PROCEDURE "Regress Hooks".a_procedure(jsonb) LANGUAGE sql AS $$ SELECT 1 $$;
CREATE AGGREGATE "Regress Hooks".an_aggregate(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb);
CREATE FUNCTION public.regress_hook(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;

SET better_auth.bridge_claims_function = '"Regress Hooks"."the ""hook"""';
SELECT better_auth.verify_jwt(better_auth.bridge_token(:'ada')) -> 'odd' AS odd;
-- Not qualified, though it would be found by the path.
SET better_auth.bridge_claims_function = 'regress_hook';
SELECT better_auth.bridge_token(:'ada');
\echo :SQLSTATE
SET better_auth.bridge_claims_function = 'contrib_regression.public.regress_hook';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = 'public.nowhere';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = 'nowhere.regress_hook';
SELECT better_auth.bridge_token(:'ada');
\echo :SQLSTATE
SET better_auth.bridge_claims_function = 'public.regress_hook(jsonb)';
SELECT better_auth.bridge_token(:'ada');
\echo :SQLSTATE
SET better_auth.bridge_claims_function = 'public..regress_hook';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = ' ';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = '"Regress Hooks".of_text';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = '"Regress Hooks".of_none';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = '"Regress Hooks".of_two';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = '"Regress Hooks".of_any';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = '"Regress Hooks".a_set';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = '"Regress Hooks".a_procedure';
SELECT better_auth.bridge_token(:'ada');
SET better_auth.bridge_claims_function = '"Regress Hooks".an_aggregate';
SELECT better_auth.bridge_token(:'ada');
\echo :SQLSTATE
SET better_auth.bridge_claims_function = '';
SELECT better_auth.verify_jwt(better_auth.bridge_token(:'ada')) IS NOT NULL AS minted;
RESET better_auth.bridge_claims_function;
-- The others alike, before anything is written.
SET better_auth.before_sign_up_function = 'nowhere.before';
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace');
RESET better_auth.before_sign_up_function;
SET better_auth.after_sign_up_function = 'nowhere.after';
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace');
RESET better_auth.after_sign_up_function;
SET better_auth.base_url = 'https://app.example';
SET better_auth.send_mail_function = 'nowhere.send';
SELECT better_auth.send_verification_email('ada@example.com', session_token => :'ada');
RESET better_auth.send_mail_function;
RESET better_auth.base_url;
SELECT (SELECT count(*) FROM better_auth."user") AS users, (SELECT count(*) FROM better_auth.verification) AS verifications;
-- Only a superuser sets them.
CREATE ROLE regress_app;
SET ROLE regress_app;
SET better_auth.bridge_claims_function = 'public.regress_hook';
SET better_auth.send_mail_function = 'public.regress_hook';
SET better_auth.before_sign_up_function = '';
SET better_auth.user_additional_fields = 'role';
RESET ROLE;
DROP ROLE regress_app;
\set VERBOSITY terse
DROP SCHEMA "Regress Hooks" CASCADE;
DROP FUNCTION public.regress_hook(jsonb);
DELETE FROM better_auth."user";
