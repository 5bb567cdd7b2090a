-- The main job, on real input: sign-up, sign-in, bridge token, and row level security between two users.
-- Every line with a tick is a check; the first that doesn't hold ends the demo with an error.
\set ON_ERROR_STOP on
\set QUIET on
\set VERBOSITY terse
\pset pager off
\pset footer off
\pset null '(null)'
\pset border 1
\pset linestyle unicode
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;

-- pg_temp: the helpers go when the session does.
CREATE FUNCTION pg_temp.ok(label text, holds boolean, shown text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE EXCEPTION 'the demo failed: % (%)', label, shown;
    END IF;
    RETURN rtrim(format('   ✓ %s %s', rpad(label, 38), shown));
END $$;

-- Runs what must be refused. The error has to carry the given SQLSTATE and, where there is one, the code.
CREATE FUNCTION pg_temp.refused(label text, statement text, wanted_state text, wanted_code text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text;
    message text;
    code text;
BEGIN
    BEGIN
        EXECUTE statement;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, code = PG_EXCEPTION_DETAIL;
    END;
    IF state IS DISTINCT FROM wanted_state OR (wanted_code IS NOT NULL AND code IS DISTINCT FROM wanted_code) THEN
        RAISE EXCEPTION 'the demo failed: % (SQLSTATE %, %, %)', label, state, message, code;
    END IF;
    RETURN format('   ✓ %s %s%s', rpad(label, 38), message,
        CASE WHEN wanted_code IS NULL THEN format(' [%s]', state) ELSE format(' [%s %s]', state, code) END);
END $$;

\echo
\echo :bold'1  Install':reset
CREATE EXTENSION better_auth;
SELECT pg_temp.ok('CREATE EXTENSION better_auth', extversion IS NOT NULL, 'version ' || extversion)
FROM pg_extension WHERE extname = 'better_auth';
SELECT pg_temp.ok('Better Auth''s own tables are there', count(*) = 4, string_agg(relname, ', ' ORDER BY relname))
FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace AND relkind = 'r'
    AND relname IN ('user', 'session', 'account', 'verification');

\echo
\echo :bold'2  Sign up':reset
SELECT r ->> 'token' AS ada_first_session, r #>> '{user,id}' AS ada, r #>> '{user,email}' AS ada_email
FROM better_auth.sign_up_email(email => 'Ada@example.com', password => 'analytical engine 1843', name => 'Ada') AS r \gset
SELECT r #>> '{user,id}' AS grace
FROM better_auth.sign_up_email(email => 'grace@example.com', password => 'nanoseconds of wire', name => 'Grace') AS r \gset
SELECT pg_temp.ok('Ada has an account', :'ada_email' = 'ada@example.com', 'user ' || :'ada');
SELECT pg_temp.ok('Grace has one of her own', :'grace' <> :'ada', 'user ' || :'grace');
SELECT pg_temp.ok('no password is stored as it is', bool_and(password LIKE '$argon2id$%'), left(min(password), 30) || '...')
FROM better_auth.account;

\echo
\echo :bold'3  Sign in':reset
SELECT better_auth.sign_in_email(email => 'ada@example.com', password => 'analytical engine 1843') ->> 'token' AS ada_session \gset
SELECT better_auth.sign_in_email(email => 'grace@example.com', password => 'nanoseconds of wire') ->> 'token' AS grace_session \gset
SELECT pg_temp.ok('Ada is signed in', :'ada_session' ~ '^[a-zA-Z0-9]{32}$' AND :'ada_session' <> :'ada_first_session',
    'session token ' || left(:'ada_session', 6) || '...');
SELECT pg_temp.ok('Grace is signed in', :'grace_session' ~ '^[a-zA-Z0-9]{32}$', 'session token ' || left(:'grace_session', 6) || '...');
SELECT pg_temp.refused('a wrong password is refused',
    $$SELECT better_auth.sign_in_email(email => 'ada@example.com', password => 'difference engine')$$,
    '28P01', 'INVALID_EMAIL_OR_PASSWORD');
SELECT pg_temp.refused('an unknown email says the same',
    $$SELECT better_auth.sign_in_email(email => 'charles@example.com', password => 'difference engine')$$,
    '28P01', 'INVALID_EMAIL_OR_PASSWORD');
SELECT pg_temp.ok('get_session knows whose token it is', s #>> '{user,id}' = :'ada',
    format('%s, until %s', s #>> '{user,name}', left(s #>> '{session,expiresAt}', 10)))
FROM better_auth.get_session(:'ada_session') AS s;

\echo
\echo :bold'4  Bridge token':reset
SELECT better_auth.bridge_token(:'ada_session') AS ada_token, better_auth.bridge_token(:'grace_session') AS grace_token \gset
SELECT pg_temp.ok('Ada''s session mints a JWT', :'ada_token' ~ '^[^.]+\.[^.]+\.[^.]+$', left(:'ada_token', 24) || '...');
SELECT pg_temp.ok('it verifies, and says who she is', c ->> 'sub' = :'ada' AND c ->> 'role' = 'authenticated') AS line
FROM better_auth.verify_jwt(:'ada_token') AS c;
SELECT format('       %s %s', rpad(key, 5), value)
FROM better_auth.verify_jwt(:'ada_token') AS c, jsonb_each_text(c)
ORDER BY array_position('{sub,role,aud,iat,exp,sid}', key), key;
-- The same signature under claims that name Grace.
SELECT split_part(:'ada_token', '.', 1) || '.' || rtrim(translate(replace(encode(convert_to(
        jsonb_set(better_auth.verify_jwt(:'ada_token'), '{sub}', to_jsonb(:'grace'::text))::text, 'UTF8'),
        'base64'), E'\n', ''), '+/', '-_'), '=') || '.' || split_part(:'ada_token', '.', 3) AS forged_token \gset
SELECT pg_temp.refused('with Grace''s id put in, it is refused', format('SELECT better_auth.verify_jwt(%L)', :'forged_token'), '28000', 'INVALID_TOKEN');

\echo
\echo :bold'5  A table with row level security':reset
-- The roles of a PostgREST set-up. Roles are the cluster's: the demo may run twice on one server.
SELECT format('CREATE ROLE %I %s', role, option)
FROM (VALUES ('anon', 'NOLOGIN'), ('authenticated', 'NOLOGIN'), ('authenticator', 'LOGIN NOINHERIT')) AS r (role, option)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
GRANT anon, authenticated TO authenticator;

CREATE TABLE public.posts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL DEFAULT public.requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE,
    title text NOT NULL,
    body text,
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY posts_own ON public.posts FOR ALL TO authenticated
    USING (user_id = public.requesting_user_id()) WITH CHECK (user_id = public.requesting_user_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON public.posts TO authenticated;
SELECT pg_temp.ok('posts has row level security', relrowsecurity, 'policy posts_own:')
FROM pg_class WHERE oid = 'public.posts'::regclass;
SELECT format('       %s', pg_get_expr(polqual, polrelid)) FROM pg_policy WHERE polrelid = 'public.posts'::regclass;

\echo
\echo :bold'6  Requests, each played as PostgREST does':reset
\echo :dim'   BEGIN; verify the token; set request.jwt.claims; SET LOCAL ROLE; the query; COMMIT':reset
\set token :ada_token
\ir request.sql
INSERT INTO posts (title, body) VALUES ('Notes on the engine', 'It weaves algebraic patterns.'), ('Bernoulli numbers', 'A program for them.');
SELECT pg_temp.ok('Ada writes two posts', count(*) = 2 AND bool_and(user_id = :'ada'), 'user_id filled by requesting_user_id()') FROM posts;
COMMIT;

\set token :grace_token
\ir request.sql
INSERT INTO posts (title, body) VALUES ('A moth in relay 70', 'First actual case of a bug being found.');
SELECT pg_temp.ok('Grace writes one', count(*) = 1 AND bool_and(user_id = :'grace'), 'and sees that one alone') FROM posts;
COMMIT;

\set token :ada_token
\ir request.sql
SELECT pg_temp.ok('Ada sees her own', count(*) = 2 AND bool_and(user_id = :'ada'), 'SELECT title, body FROM posts:') FROM posts;
\pset tuples_only off
\pset format aligned
SELECT title, body FROM posts ORDER BY id;
\pset tuples_only on
\pset format unaligned
COMMIT;

\set token :grace_token
\ir request.sql
WITH changed AS (UPDATE posts SET title = 'Taken over' WHERE title = 'Bernoulli numbers' RETURNING id)
SELECT pg_temp.ok('Grace can''t change Ada''s post', count(*) = 0, count(*) || ' rows updated') FROM changed;
WITH gone AS (DELETE FROM posts WHERE user_id = :'ada' RETURNING id)
SELECT pg_temp.ok('nor delete it', count(*) = 0, count(*) || ' rows deleted') FROM gone;
SELECT pg_temp.refused('nor write in Ada''s name',
    format('INSERT INTO posts (user_id, title) VALUES (%L, %L)', :'ada', 'Not by Ada'), '42501');
SELECT pg_temp.refused('nor reach the tables of Better Auth', 'SELECT * FROM better_auth.session', '42501');
COMMIT;

-- A request without a token.
BEGIN;
SET LOCAL ROLE anon;
SELECT pg_temp.refused('without a token there is nothing', 'SELECT * FROM posts', '42501');
COMMIT;
SELECT pg_temp.ok('all three posts are as written', count(*) = 3 AND count(*) FILTER (WHERE title IN ('Taken over', 'Not by Ada')) = 0,
    'as the superuser sees them') FROM posts;

\echo
\echo :bold'7  Sign out':reset
SELECT pg_temp.ok('Grace signs out', (better_auth.sign_out(:'grace_session') ->> 'success')::boolean);
SELECT pg_temp.ok('her session is gone', s IS NULL OR s = 'null', 'get_session: null') FROM better_auth.get_session(:'grace_session') AS s;
SELECT pg_temp.refused('it mints no more tokens', format('SELECT better_auth.bridge_token(%L)', :'grace_session'), '28000', 'UNAUTHORIZED');
SELECT pg_temp.ok('Ada''s session still does', better_auth.bridge_token(:'ada_session') IS NOT NULL);
\echo
