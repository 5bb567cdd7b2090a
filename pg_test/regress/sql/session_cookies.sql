-- The cookies of a session, for an HTTP layer that has opened one. The signature is looked at in pg_test/server.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.session_cookies(:'ada');
\echo :SQLSTATE
CREATE FUNCTION pg_temp.cookies(text, boolean = true) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(replace(cookie, $1, '<token>'), '\.[^.;]{44,}(?=;)', '.<signature>') FROM unnest(better_auth.session_cookies($1, $2)) cookie
$$;
SET better_auth.base_url = 'http://app.example';
SELECT pg_temp.cookies(:'ada');
SELECT pg_temp.cookies(:'ada', NULL);
SELECT pg_temp.cookies(:'ada', false);
SET better_auth.base_url = 'https://app.example';
SET better_auth.cookie_prefix = 'my';
SET better_auth.cookie_same_site = 'none';
SET better_auth.cross_sub_domain_cookies = on;
SET better_auth.session_expires_in = 60;
SELECT pg_temp.cookies(:'ada');
SET better_auth.cookie_domain = '.example';
SET better_auth.use_secure_cookies = off;
SELECT pg_temp.cookies(:'ada', false);
RESET better_auth.use_secure_cookies;
RESET better_auth.cookie_domain;
RESET better_auth.cross_sub_domain_cookies;
RESET better_auth.cookie_same_site;
RESET better_auth.cookie_prefix;
RESET better_auth.session_expires_in;
SELECT better_auth.session_cookies('nope');
\echo :SQLSTATE
SELECT better_auth.session_cookies(NULL);
SELECT better_auth.session_cookies('');
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second';
SELECT better_auth.session_cookies(:'ada');
RESET better_auth.base_url;
DELETE FROM better_auth."user";
