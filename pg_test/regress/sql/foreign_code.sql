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
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    -- 13 has it that the table itself needs what a generated column calls.
    RETURN regexp_replace(SQLERRM, 'used by default value for column tested of table [^;]*', 'used by it');
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
-- Through a type of the superuser's: a domain's default and checks, also of a domain below it, in an array, in a
-- composite type, in a range.
CREATE DOMAIN public.regress_short AS text DEFAULT regress_code.make();
ALTER TABLE better_auth."user" ADD short public.regress_short;
:refused
CREATE DOMAIN public.regress_short AS text DEFAULT regress_code.make();
CREATE DOMAIN public.regress_shorter AS public.regress_short;
ALTER TABLE better_auth."user" ADD short public.regress_shorter;
:refused
CREATE DOMAIN public.regress_short AS text CHECK (regress_code.test(VALUE));
ALTER TABLE better_auth."user" ADD short public.regress_short[];
:refused
CREATE DOMAIN public.regress_short AS text CHECK (regress_code.test(VALUE));
CREATE TYPE public.regress_pair AS (a int, b public.regress_short);
ALTER TABLE better_auth."user" ADD pair public.regress_pair;
:refused
CREATE TYPE public.regress_pair AS (a int, b regress_code.plan);
ALTER TABLE better_auth."user" ADD pair public.regress_pair;
:refused
CREATE TABLE public.regress_row (a regress_code.plan);
ALTER TABLE better_auth."user" ADD pair public.regress_row;
:refused
CREATE DOMAIN public.regress_number AS int CHECK (regress_code.test(VALUE::text));
CREATE TYPE public.regress_range AS RANGE (subtype = public.regress_number, subtype_opclass = int4_ops);
ALTER TABLE better_auth."user" ADD numbers public.regress_range;
:refused
-- A domain that changes once it is in use.
CREATE DOMAIN public.regress_short AS text;
ALTER TABLE better_auth."user" ADD short public.regress_short;
SELECT pg_temp.sign_up();
DELETE FROM better_auth."user" WHERE email = 'foreign@example.com';
ALTER DOMAIN public.regress_short SET DEFAULT regress_code.make();
SELECT pg_temp.sign_up();
ALTER DOMAIN public.regress_short DROP DEFAULT;
ALTER DOMAIN public.regress_short ADD CONSTRAINT tested CHECK (regress_code.test(VALUE)) NOT VALID;
:refused
-- Columns that are computed.
ALTER FUNCTION regress_code.test(text) IMMUTABLE;
ALTER TABLE better_auth."user" ADD tested boolean GENERATED ALWAYS AS (regress_code.test(name)) STORED;
:refused
-- Indexes: expressions, operators and operator classes; exclusion constraints; statistics, whose expressions are
-- simplified in planning.
CREATE INDEX regress_index ON better_auth."user" (regress_code.test(name));
:refused
CREATE FUNCTION regress_code.compare(text, text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 0';
ALTER FUNCTION regress_code.compare OWNER TO regress_foreign;
CREATE OPERATOR CLASS public.regress_ops FOR TYPE text USING btree AS OPERATOR 3 =, FUNCTION 1 regress_code.compare(text, text);
CREATE INDEX regress_index ON better_auth."user" (name public.regress_ops);
:refused
CREATE FUNCTION regress_code.same(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT false';
ALTER FUNCTION regress_code.same OWNER TO regress_foreign;
CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_code.same, COMMUTATOR = OPERATOR(public.===));
CREATE OPERATOR CLASS public.regress_ops FOR TYPE text USING hash AS OPERATOR 1 public.===, FUNCTION 1 hashtext(text);
ALTER TABLE better_auth."user" ADD CONSTRAINT regress_same EXCLUDE USING hash (image public.regress_ops WITH OPERATOR(public.===));
:refused
CREATE FUNCTION public.regress_same(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = public.regress_same);
ALTER OPERATOR public.=== (text, text) OWNER TO regress_foreign;
ALTER TABLE better_auth."user" ADD CONSTRAINT test CHECK (name OPERATOR(public.===) name) NOT VALID;
:refused
-- A table that inherits: what hangs on it counts too, and so does what it is.
CREATE TABLE regress_code.kids (nick text DEFAULT regress_code.make()) INHERITS (better_auth."user");
:refused
CREATE FOREIGN DATA WRAPPER regress_fdw;
CREATE SERVER regress_server FOREIGN DATA WRAPPER regress_fdw;
CREATE FOREIGN TABLE public.regress_far () INHERITS (better_auth."user") SERVER regress_server;
:refused
CREATE TRIGGER fires AFTER INSERT ON better_auth.session FOR EACH STATEMENT EXECUTE FUNCTION regress_code.fires();
:refused
CREATE CONSTRAINT TRIGGER fires AFTER INSERT ON better_auth.account DEFERRABLE FOR EACH ROW EXECUTE FUNCTION regress_code.fires();
:refused
-- A type of the superuser's with a cast that is somebody else's.
CREATE TYPE public.regress_plan AS ENUM ('free');
CREATE FUNCTION regress_code.to_json(public.regress_plan) RETURNS json LANGUAGE sql AS $$ SELECT '1'::json $$;
ALTER FUNCTION regress_code.to_json OWNER TO regress_foreign;
CREATE CAST (public.regress_plan AS json) WITH FUNCTION regress_code.to_json(public.regress_plan);
ALTER TABLE better_auth."user" ADD plan public.regress_plan;
:refused
ROLLBACK;

-- What is harmless is let through: types, domains, checks, indexes and tables of a superuser's own; what others have
-- that points to the table; policies, which don't bind its owner; a cast from text to somebody's own type.
BEGIN;
CREATE FUNCTION public.regress_mine(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE TYPE public.regress_plan AS ENUM ('free', 'paid');
CREATE DOMAIN public.regress_short AS text DEFAULT 'x' CHECK (public.regress_mine(VALUE));
CREATE TABLE regress_code.teams (id text PRIMARY KEY, plan regress_code.plan);
ALTER TABLE regress_code.teams OWNER TO regress_foreign;
ALTER TABLE better_auth."user" ADD plan public.regress_plan DEFAULT 'free', ADD short public.regress_short, ADD number serial,
    ADD other int GENERATED BY DEFAULT AS IDENTITY, ADD team text REFERENCES regress_code.teams, ADD tags public.regress_short[],
    ADD long boolean GENERATED ALWAYS AS (public.regress_mine(name)) STORED;
CREATE INDEX regress_index ON better_auth."user" (lower(name)) WHERE public.regress_mine(name);
CREATE STATISTICS public.regress_statistics ON name, email FROM better_auth."user";
ALTER TABLE better_auth."user" ENABLE ROW LEVEL SECURITY;
CREATE POLICY regress_policy ON better_auth."user" USING (regress_code.test(name));
CREATE PUBLICATION regress_publication FOR TABLE better_auth."user";
CREATE VIEW public.regress_view AS SELECT *, regress_code.test(name) FROM better_auth."user";
GRANT REFERENCES ON better_auth."user" TO regress_foreign;
GRANT USAGE ON SCHEMA better_auth TO regress_foreign;
SET LOCAL ROLE regress_foreign;
CREATE TABLE regress_code.posts (author text REFERENCES better_auth."user", plan regress_code.plan);
CREATE TYPE regress_code.letter AS (a text);
CREATE FUNCTION regress_code.letter(text) RETURNS regress_code.letter LANGUAGE sql AS 'SELECT ROW($1)::regress_code.letter';
CREATE CAST (text AS regress_code.letter) WITH FUNCTION regress_code.letter(text) AS IMPLICIT;
RESET ROLE;
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
