-- Where a superuser owns a table, code of other roles behind it is refused, whichever way it would be run.
\set SHOW_CONTEXT never
SET client_min_messages = error;
CREATE ROLE regress_foreign;
CREATE SCHEMA regress_code AUTHORIZATION regress_foreign;
SET ROLE regress_foreign;
CREATE FUNCTION regress_code.make() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN 'x'; END $$;
CREATE FUNCTION regress_code.test(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN true; END $$;
CREATE FUNCTION regress_code.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN NEW; END $$;
CREATE TYPE regress_code.plan AS ENUM ('free', 'paid');
CREATE DOMAIN regress_code.slug AS text;
RESET ROLE;
CREATE OPERATOR regress_code.!! (RIGHTARG = text, FUNCTION = regress_code.test);
CREATE DOMAIN regress_code.checked AS text CHECK (regress_code.test(VALUE));
CREATE FUNCTION pg_temp.sign_up() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM better_auth.sign_up_email('foreign@example.com', 'password1234', 'x');
    RETURN 'signed up';
EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN SQLERRM;
END $$;

SELECT pg_temp.sign_up();
DELETE FROM better_auth."user" WHERE email = 'foreign@example.com';
\set refused 'SELECT pg_temp.sign_up(); ROLLBACK; BEGIN;'
BEGIN;
GRANT TRIGGER ON better_auth."user" TO regress_foreign;
:refused
CREATE TRIGGER fires BEFORE INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION regress_code.fires();
:refused
CREATE FUNCTION public.regress_fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER fires BEFORE INSERT ON better_auth."user" FOR EACH ROW WHEN (regress_code.test(NEW.name)) EXECUTE FUNCTION public.regress_fires();
:refused
ALTER TABLE better_auth."user" ADD plan regress_code.plan;
:refused
ALTER TABLE better_auth."user" ADD plans regress_code.plan[];
:refused
ALTER TABLE better_auth."user" ADD slug regress_code.slug;
:refused
ALTER TABLE better_auth."user" ADD slug regress_code.checked;
:refused
ALTER TABLE better_auth."user" ADD nick text, ALTER nick SET DEFAULT regress_code.make();
:refused
ALTER TABLE better_auth."user" ADD CONSTRAINT test CHECK (regress_code.test(name)) NOT VALID;
:refused
ALTER TABLE better_auth."user" ADD CONSTRAINT test CHECK (OPERATOR(regress_code.!!) name) NOT VALID;
:refused
CREATE INDEX regress_index ON better_auth."user" (id) WHERE regress_code.test('x');
:refused
CREATE RULE regress_rule AS ON INSERT TO better_auth."user" DO ALSO NOTIFY regress_rule;
:refused
CREATE TABLE regress_code.kids () INHERITS (better_auth."user");
ALTER TABLE regress_code.kids OWNER TO regress_foreign;
:refused
CREATE TABLE regress_code.kids () INHERITS (better_auth."user");
GRANT TRIGGER ON regress_code.kids TO regress_foreign;
:refused
-- A type of the superuser's with a cast that is somebody else's.
CREATE TYPE public.regress_plan AS ENUM ('free');
CREATE FUNCTION regress_code.to_json(public.regress_plan) RETURNS json LANGUAGE sql AS $$ SELECT '1'::json $$;
ALTER FUNCTION regress_code.to_json OWNER TO regress_foreign;
CREATE CAST (public.regress_plan AS json) WITH FUNCTION regress_code.to_json(public.regress_plan);
ALTER TABLE better_auth."user" ADD plan public.regress_plan;
:refused
ROLLBACK;

-- A function that changes hands is noticed.
CREATE FUNCTION public.regress_fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER fires BEFORE INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION public.regress_fires();
SELECT pg_temp.sign_up();
DELETE FROM better_auth."user" WHERE email = 'foreign@example.com';
ALTER FUNCTION public.regress_fires() OWNER TO regress_foreign;
SELECT pg_temp.sign_up();
DROP TRIGGER fires ON better_auth."user";
DROP FUNCTION public.regress_fires();

DROP SCHEMA regress_code CASCADE;
DROP ROLE regress_foreign;
