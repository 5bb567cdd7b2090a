-- What other roles may do: nothing, until a DBA grants it.
CREATE ROLE regress_app;
SET ROLE regress_app;
SELECT better_auth.sign_in_email('ada@example.com', 'password1234');
\echo :SQLSTATE
SELECT * FROM better_auth.signing_secret;
SET better_auth.min_password_length = 1;
\echo :SQLSTATE
SET better_auth.jwt_secret_file = '/etc/passwd';
SHOW better_auth.jwt_secret_file;
RESET ROLE;
SET better_auth.jwt_secret_file = '/etc/passwd';
\echo :SQLSTATE

-- EXECUTE is enough: no privilege on the tables is needed, and none is gained.
GRANT USAGE ON SCHEMA better_auth TO regress_app;
GRANT EXECUTE ON FUNCTION better_auth.sign_up_email, better_auth.get_session TO regress_app;
CREATE SCHEMA regress_evil AUTHORIZATION regress_app;
SET ROLE regress_app;
CREATE FUNCTION regress_evil.equals(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR regress_evil.= (leftarg = text, rightarg = text, function = regress_evil.equals);
CREATE TEMP TABLE "user" (id text, email text);
CREATE TEMP TABLE session (id text, token text);
SET search_path = regress_evil, pg_temp, pg_catalog;
SELECT better_auth.sign_up_email('app@example.com', 'password1234', 'App') ->> 'token' AS token \gset
SELECT better_auth.get_session(:'token') #>> '{user,email}' AS email, better_auth.get_session('nope') IS NULL AS none;
SELECT current_setting('search_path') AS path, current_user AS role;
RESET search_path;
SELECT count(*) FROM better_auth."user";
SELECT better_auth.bridge_token(:'token');
RESET ROLE;

-- A trigger on the tables runs as their owner, not as the caller, on a fixed path, and can't become another.
CREATE FUNCTION regress_evil.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name := format('%s on %s', current_user, current_setting('search_path'));
    BEGIN
        SET ROLE regress_app;
    EXCEPTION WHEN insufficient_privilege THEN
        NEW.name := NEW.name || ', no other role';
    END;
    RETURN NEW;
END $$;
CREATE TRIGGER look BEFORE INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION regress_evil.look();
CREATE ROLE regress_owner;
GRANT CREATE, USAGE ON SCHEMA better_auth TO regress_owner;
ALTER TABLE better_auth."user" OWNER TO regress_owner;
GRANT USAGE ON SCHEMA regress_evil TO regress_owner;
SELECT better_auth.sign_up_email('trigger@example.com', 'password1234', 'x') #>> '{user,name}' AS name;
SELECT current_user = session_user AS back;

-- Row level security that is forced even on the owner doesn't break a flow.
ALTER TABLE better_auth."user" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT better_auth.sign_up_email('forced@example.com', 'password1234', 'x') ->> 'token' IS NOT NULL AS signed_up;
ALTER TABLE better_auth."user" DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;

DROP TRIGGER look ON better_auth."user";
ALTER TABLE better_auth."user" OWNER TO CURRENT_USER;
DROP SCHEMA regress_evil CASCADE;
DROP OWNED BY regress_owner, regress_app;
DROP ROLE regress_owner, regress_app;
DELETE FROM better_auth."user";
