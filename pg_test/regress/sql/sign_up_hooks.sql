-- A DBA's check before a sign-up, and work after it. What they raise refuses the sign-up, and nothing is left.
\set SHOW_CONTEXT never
SELECT better_auth.hash_password('x') IS NOT NULL AS loaded;
CREATE ROLE regress_hooks;
CREATE SCHEMA regress_hooks AUTHORIZATION regress_hooks;
SET ROLE regress_hooks;
CREATE TABLE regress_hooks.log (called text, context jsonb, role name DEFAULT current_user, path text DEFAULT current_setting('search_path'));
CREATE FUNCTION regress_hooks.before(context jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_hooks.log VALUES ('before', context);
    IF context #>> '{user,email}' LIKE '%@evil.example' THEN
        RAISE EXCEPTION 'not invited: %', context #>> '{user,email}' USING DETAIL = 'NOT_INVITED', HINT = 'Ask for an invitation.', ERRCODE = current_setting('regress.state');
    END IF;
END $$;
CREATE FUNCTION regress_hooks.after(context jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_hooks.log VALUES ('after', context);
    IF context #>> '{user,name}' = 'Late' THEN
        RAISE EXCEPTION 'no room' USING ERRCODE = 'check_violation', DETAIL = 'row (secret)';
    END IF;
    RETURN NULL;
END $$;
RESET ROLE;
SET better_auth.before_sign_up_function = 'regress_hooks.before';
SET better_auth.after_sign_up_function = 'regress_hooks.after';
CREATE VIEW pg_temp.left_over AS SELECT (SELECT count(*) FROM better_auth."user") AS users, (SELECT count(*) FROM better_auth.account) AS accounts, (SELECT count(*) FROM better_auth.session) AS sessions,
    (SELECT count(*) FROM better_auth.mail_outbox) AS mails, (SELECT count(*) FROM regress_hooks.log) AS log;

-- What each is given, and as whom it runs.
SELECT better_auth.sign_up_email('Ada@Example.com', 'password1234', 'Ada', 'https://x.example/a.png') #>> '{user,id}' AS ada \gset
SELECT called, context #- '{user,id}' #- '{user,createdAt}' #- '{user,updatedAt}' AS context, context #>> '{user,id}' = :'ada' AS hers, role, path FROM regress_hooks.log;
TRUNCATE regress_hooks.log;
SELECT better_auth.link_account('github', '1', 'grace@example.com', 'Grace', email_verified => true) -> 'isRegister' AS new;
SELECT called, context -> 'method' AS method, context #> '{user,emailVerified}' AS verified FROM regress_hooks.log;
TRUNCATE regress_hooks.log;
-- Not for who is there already.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada');
SELECT better_auth.link_account('github', '1', 'grace@example.com', 'Grace') -> 'isRegister' AS new;
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' IS NOT NULL AS signed_in;
SELECT * FROM pg_temp.left_over;

-- Refused, with its own words.
SET regress.state = 'P0001';
SELECT better_auth.sign_up_email('eve@evil.example', 'password1234', 'Eve');
\echo :SQLSTATE
SET regress.state = '42501';
SELECT better_auth.sign_up_email('eve@evil.example', 'password1234', 'Eve');
\echo :SQLSTATE
SELECT better_auth.link_account('github', '2', 'eve@evil.example', 'Eve');
-- States that PostgreSQL doesn't know reach SQL callers as P0001 (handler() reads them: pg_test/server).
SET regress.state = 'PT403';
SELECT better_auth.sign_up_email('eve@evil.example', 'password1234', 'Eve');
\echo :SQLSTATE
SET regress.state = 'X1234';
SELECT better_auth.sign_up_email('eve@evil.example', 'password1234', 'Eve');
\echo :SQLSTATE
SELECT * FROM pg_temp.left_over;
-- The arguments come first.
SELECT better_auth.sign_up_email('eve@evil.example', 'short', 'Eve');
SELECT better_auth.sign_up_email('nope', 'password1234', 'Eve');
-- After the rows were written: undone.
SET better_auth.send_verification_on_sign_up = on;
SET better_auth.base_url = 'https://app.example';
SELECT better_auth.sign_up_email('late@example.com', 'password1234', 'Late');
\echo :SQLSTATE
SELECT better_auth.link_account('github', '3', 'late@example.com', 'Late');
SELECT * FROM pg_temp.left_over;
RESET better_auth.send_verification_on_sign_up;

-- Where sign-up doesn't tell that an email is taken, the first one is asked for those as well; the second is not.
SET better_auth.auto_sign_in = off;
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Eve') #>> '{user,email}' AS email;
SELECT called, context #>> '{user,name}' AS name FROM regress_hooks.log;
RESET better_auth.auto_sign_in;
RESET better_auth.base_url;
RESET better_auth.before_sign_up_function;
RESET better_auth.after_sign_up_function;
DROP VIEW pg_temp.left_over;
DROP OWNED BY regress_hooks;
DROP ROLE regress_hooks;
DELETE FROM better_auth."user";
