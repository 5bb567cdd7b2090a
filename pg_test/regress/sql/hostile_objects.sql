-- What somebody put into schema better_auth before the install, or onto the tables after it, gains nothing.
\set SHOW_CONTEXT never
CREATE ROLE regress_hostile;
SELECT current_user AS superuser \gset

-- A schema of a role that is no superuser is refused; with the hint followed, operators in it are not run.
BEGIN;
DROP EXTENSION better_auth;
ALTER SCHEMA better_auth RENAME TO better_auth_aside;
CREATE SCHEMA better_auth AUTHORIZATION regress_hostile;
SET LOCAL ROLE regress_hostile;
CREATE FUNCTION better_auth.evil(oid, int4) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'evil runs as %', current_user; RETURN true; END $$;
CREATE OPERATOR better_auth.= (LEFTARG = oid, RIGHTARG = int4, FUNCTION = better_auth.evil);
CREATE FUNCTION better_auth.evil(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'evil runs as %', current_user; RETURN true; END $$;
CREATE OPERATOR better_auth.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = better_auth.evil);
RESET ROLE;
SAVEPOINT s;
CREATE EXTENSION better_auth;
\echo :SQLSTATE
ROLLBACK TO s;
ALTER SCHEMA better_auth OWNER TO :"superuser";
CREATE EXTENSION better_auth;
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' IS NOT NULL AS works;
ROLLBACK;

-- Settings that a trigger changes don't stay behind.
CREATE FUNCTION public.regress_sets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SET search_path = regress_nowhere;
    PERFORM pg_catalog.set_config('request.jwt.claims', '{"sub": "victim"}', false);
    RETURN NEW;
END $$;
CREATE TRIGGER sets BEFORE INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION public.regress_sets();
SELECT better_auth.sign_up_email('sets@example.com', 'password1234', 'x') ->> 'token' IS NOT NULL AS signed_up;
SHOW search_path;
SELECT requesting_user_id() IS NULL AS nobody;
DROP TRIGGER sets ON better_auth."user";
DROP FUNCTION public.regress_sets;

-- Tables of different owners are not joined: reading one runs what its owner made of it.
ALTER TABLE better_auth."user" OWNER TO regress_hostile;
SELECT better_auth.get_session('x');
\echo :SQLSTATE
SELECT better_auth.sign_in_email('sets@example.com', 'password1234');
ALTER TABLE better_auth."user" OWNER TO CURRENT_USER;

-- Where the users are adopted from a role, the tables that are made belong to it too; the secrets don't.
BEGIN;
DROP EXTENSION better_auth;
ALTER SCHEMA better_auth RENAME TO better_auth_aside;
CREATE SCHEMA better_auth;
GRANT USAGE, CREATE ON SCHEMA better_auth TO regress_hostile;
CREATE TABLE better_auth."user" (LIKE better_auth_aside."user" INCLUDING ALL);
ALTER TABLE better_auth."user" OWNER TO regress_hostile;
CREATE EXTENSION better_auth;
SELECT c.relname, c.relowner = 'regress_hostile'::regrole AS of_the_role FROM pg_class c
WHERE c.relnamespace = 'better_auth'::regnamespace AND c.relkind = 'r' ORDER BY 1;
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS token \gset
SELECT better_auth.get_session(:'token') #>> '{user,email}' AS email;
-- Secrets in a table of somebody else are neither used nor replaced.
ALTER TABLE better_auth.signing_secret OWNER TO regress_hostile;
SAVEPOINT s;
SELECT better_auth.sign_jwt('{}');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT better_auth.rotate_secret('jwt');
ROLLBACK TO s;
SELECT * FROM better_auth.migrate();
ROLLBACK;

-- A change of the secrets is seen per row, as a subscription writes them, and when triggers are off for others.
SELECT tgname, tgtype & 1 AS for_each_row, tgenabled FROM pg_trigger WHERE tgrelid = 'better_auth.signing_secret'::regclass ORDER BY 1;

-- Texts of a size that only an attack has.
SELECT better_auth.sign_up_email('big@example.com', 'password1234', repeat('x', 70000), repeat('x', 70000), user_agent => repeat('x', 70000));
SELECT better_auth.sign_in_email(repeat('x', 1000000) || '@example.com', 'password1234');
SELECT better_auth.sign_in_email('big@example.com', 'password1234', ip_address => repeat('x', 70000));
SELECT better_auth.sign_jwt(jsonb_build_object('x', repeat('x', 70000)));
SELECT better_auth.sign_jwt(jsonb_build_object('x', repeat('x', 60000)));
SELECT better_auth.service_token(repeat('x', 70000));
SELECT better_auth.hash_password(repeat('x', 70000));
SELECT better_auth.verify_password_hash(repeat('x', 70000), 'x');
SELECT better_auth.verify_password_hash('x', repeat('x', 70000)) AS no_hash;
SELECT better_auth.set_secret('cookie', repeat('x', 70000));
SELECT set_config('request.jwt.claims', jsonb_build_object('sub', 'u1', 'x', repeat('x', 2000000))::text, false) IS NOT NULL AS set;
SELECT requesting_user_id() IS NULL AS nobody, better_auth.claims() IS NULL AS none;
RESET request.jwt.claims;

-- A ban ends by the clock, not by the caller's time zone.
SELECT better_auth.sign_up_email('banned@example.com', 'password1234', 'x') ->> 'token' IS NOT NULL AS signed_up;
ALTER TABLE better_auth."user" ADD banned boolean, ADD "banExpires" timestamp;
UPDATE better_auth."user" SET banned = true, "banExpires" = now() AT TIME ZONE 'UTC' + interval '5 hours';
SET TimeZone = 'Etc/GMT-14';
SELECT better_auth.sign_in_email('banned@example.com', 'password1234');
RESET TimeZone;
ALTER TABLE better_auth."user" DROP banned, DROP "banExpires";

DELETE FROM better_auth."user";
DROP ROLE regress_hostile;
