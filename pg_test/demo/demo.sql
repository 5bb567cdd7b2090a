-- The main job, on real input: sign-up, sign-in, bridge token, row level security between two users, the same
-- over HTTP, and mail.
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
\echo :bold'8  The same over HTTP':reset
\echo :dim'   handler(request) answers as a Better Auth server: status, headers, body':reset
SET better_auth.base_url = 'https://app.example';
-- A request of a browser on the application's pages, or elsewhere.
CREATE FUNCTION pg_temp.ask(method text, path text, body jsonb DEFAULT NULL, cookie text DEFAULT NULL,
    origin text DEFAULT 'https://app.example') RETURNS jsonb LANGUAGE sql AS $$
    SELECT better_auth.handler(jsonb_build_object(
        'method', method,
        'url', 'https://app.example' || path,
        'headers', jsonb_strip_nulls(jsonb_build_object('origin', origin, 'content-type', 'application/json',
            'x-forwarded-for', '203.0.113.7', 'cookie', cookie)),
        'body', body::text))
$$;
CREATE FUNCTION pg_temp.cookies(answer jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(split_part(header ->> 1, ';', 1), '; ') FROM jsonb_array_elements(answer -> 'headers') AS header
    WHERE header ->> 0 = 'set-cookie'
$$;
SELECT a AS answer, pg_temp.cookies(a) AS cookie
FROM pg_temp.ask('POST', '/api/auth/sign-up/email', '{"email": "alan@example.com", "password": "on computable numbers", "name": "Alan"}') AS a \gset
SELECT pg_temp.ok('Alan signs up', a -> 'status' = '200' AND (a ->> 'body')::jsonb #>> '{user,email}' = 'alan@example.com', 'POST /api/auth/sign-up/email: 200')
FROM CAST(:'answer' AS jsonb) AS a;
SELECT pg_temp.ok('and gets a signed cookie', header ->> 1 LIKE '__Secure-better-auth.session_token=%; HttpOnly; Secure; SameSite=Lax',
    substr(header ->> 1, 1, 44) || '...')
FROM jsonb_array_elements(CAST(:'answer' AS jsonb) -> 'headers') AS header WHERE header ->> 0 = 'set-cookie';
SELECT a AS answer, pg_temp.cookies(a) AS cookie
FROM pg_temp.ask('POST', '/api/auth/sign-in/email', '{"email": "alan@example.com", "password": "on computable numbers"}') AS a \gset
SELECT pg_temp.ok('signs in', a -> 'status' = '200' AND (a ->> 'body')::jsonb ->> 'token' ~ '^[a-zA-Z0-9]{32}$', 'POST /api/auth/sign-in/email: 200')
FROM CAST(:'answer' AS jsonb) AS a;
SELECT pg_temp.ok('the cookie is the session', (a ->> 'body')::jsonb #>> '{user,name}' = 'Alan', 'GET /api/auth/get-session: 200')
FROM pg_temp.ask('GET', '/api/auth/get-session', NULL, :'cookie') AS a;
SELECT pg_temp.ok('and mints the bridge token', better_auth.verify_jwt((a ->> 'body')::jsonb ->> 'token') ->> 'role' = 'authenticated'
    AND a -> 'headers' @> '[["cache-control", "no-store"]]', 'GET /api/insforge-token: 200')
FROM pg_temp.ask('GET', '/api/insforge-token', NULL, :'cookie') AS a;
SELECT pg_temp.ok('without it there is none', a ->> 'status' = '401' AND a ->> 'body' = '{"error":"not signed in"}', '401 ' || (a ->> 'body'))
FROM pg_temp.ask('GET', '/api/insforge-token') AS a;
SELECT pg_temp.ok('with another signature neither', a ->> 'status' = '401', '401')
FROM pg_temp.ask('GET', '/api/insforge-token', NULL, regexp_replace(:'cookie', '.....%3D$', 'AAAAA%3D')) AS a;
SELECT pg_temp.ok('another site can''t use the cookie', a ->> 'status' = '403' AND (a ->> 'body')::jsonb ->> 'code' = 'INVALID_ORIGIN',
    '403 ' || (a ->> 'body'))
FROM pg_temp.ask('POST', '/api/auth/sign-out', '{}', :'cookie', 'https://elsewhere.example') AS a;
SELECT pg_temp.ok('nor have users sent to it', a ->> 'status' = '403' AND (a ->> 'body')::jsonb ->> 'code' = 'INVALID_REDIRECT_URL',
    '403 ' || (a ->> 'body'))
FROM pg_temp.ask('POST', '/api/auth/request-password-reset', '{"email": "alan@example.com", "redirectTo": "https://elsewhere.example"}') AS a;
SELECT string_agg(a ->> 'status', ', ' ORDER BY n) AS statuses FROM generate_series(1, 3) AS n,
    LATERAL pg_temp.ask('POST', '/api/auth/sign-in/email', jsonb_build_object('email', 'alan@example.com', 'password', 'guess ' || n)) AS a \gset
SELECT pg_temp.ok('guesses end after three sign-ins', :'statuses' = '401, 401, 429', :'statuses');

\echo
\echo :bold'9  Mail':reset
SELECT a AS answer FROM pg_temp.ask('POST', '/api/auth/request-password-reset', '{"email": "alan@example.com", "redirectTo": "/new-password"}') AS a \gset
SELECT pg_temp.ok('Alan asks for a new password', :'answer'::jsonb ->> 'status' = '200', 'POST /api/auth/request-password-reset: 200');
SELECT pg_temp.ok('somebody unknown is told the same', a = :'answer' AND (SELECT count(*) = 1 FROM better_auth.mail_outbox), 'and gets no mail')
FROM pg_temp.ask('POST', '/api/auth/request-password-reset', '{"email": "nobody@example.com", "redirectTo": "/new-password"}') AS a;
SELECT id AS mail, kind, recipient, url, token AS reset_token FROM better_auth.claim_mail() \gset
SELECT pg_temp.ok('a worker claims the mail', :'kind' = 'reset-password' AND :'recipient' = 'alan@example.com', :'kind' || ' to ' || :'recipient');
SELECT pg_temp.ok('its token was not in the answer', strpos(:'answer', :'reset_token') = 0, 'token ' || left(:'reset_token', 6) || '...');
SELECT pg_temp.ok('nobody else gets it meanwhile', count(*) = 0) FROM better_auth.claim_mail();
SELECT better_auth.complete_mail(:'mail') AS sent \gset
SELECT pg_temp.ok('sent, it leaves the outbox', :'sent' AND count(*) = 0, 'complete_mail') FROM better_auth.mail_outbox;
SELECT pg_temp.ok('the link leads to the application', a ->> 'status' = '302'
    AND a -> 'headers' @> jsonb_build_array(jsonb_build_array('location', 'https://app.example/new-password?token=' || :'reset_token')),
    'GET /api/auth/reset-password/...: 302')
FROM pg_temp.ask('GET', replace(:'url', 'https://app.example', '')) AS a;
SELECT pg_temp.ok('its token sets a new password', a ->> 'status' = '200' AND a ->> 'body' = '{"status":true}', 'POST /api/auth/reset-password: 200')
FROM pg_temp.ask('POST', '/api/auth/reset-password', jsonb_build_object('token', :'reset_token', 'newPassword', 'the imitation game')) AS a;
SELECT pg_temp.refused('and no second one', format('SELECT better_auth.reset_password(%L, %L)', :'reset_token', 'another password'), '28000', 'INVALID_TOKEN');
SELECT pg_temp.refused('the old password is refused',
    $$SELECT better_auth.sign_in_email('alan@example.com', 'on computable numbers')$$, '28P01', 'INVALID_EMAIL_OR_PASSWORD');
SELECT pg_temp.ok('the new one signs in', better_auth.sign_in_email('alan@example.com', 'the imitation game') ->> 'token' IS NOT NULL);
\echo
