-- Reading a session: expiry and refresh, as Better Auth's GET /get-session.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS token \gset
SELECT jsonb_object_keys(better_auth.get_session(:'token')) AS key ORDER BY 1;
SELECT jsonb_object_keys(better_auth.get_session(:'token') -> 'session') AS key ORDER BY 1;
SELECT better_auth.get_session(:'token') #>> '{session,token}' = :'token' AS token,
       better_auth.get_session(:'token') #> '{session,ipAddress}' AS ip;

-- No session: NULL.
SELECT better_auth.get_session('nope') IS NULL AS unknown, better_auth.get_session(NULL) IS NULL AS missing,
       better_auth.get_session('') IS NULL AS empty, better_auth.get_session(repeat('x', 1000000)) IS NULL AS huge;

CREATE TEMP TABLE before AS SELECT * FROM better_auth.session;
CREATE FUNCTION pg_temp.moved() RETURNS text LANGUAGE sql AS $$
    SELECT format('expires in %s, updated: %s, created: %s',
                  date_trunc('hour', s."expiresAt" - now() + interval '1 minute'),
                  s."updatedAt" > b."updatedAt", s."createdAt" <> b."createdAt")
    FROM better_auth.session s, pg_temp.before b
$$;

-- Not due: six days and an hour are left of seven, and sessions are prolonged from a day on.
UPDATE better_auth.session SET "expiresAt" = now() + interval '6 days 1 hour';
SELECT better_auth.get_session(:'token') IS NOT NULL AS live;
SELECT pg_temp.moved();
-- Due, but the caller must not, or the setting forbids it, or the transaction can't write.
UPDATE better_auth.session SET "expiresAt" = now() + interval '6 days' - interval '1 second';
SELECT better_auth.get_session(:'token', disable_refresh => true) IS NOT NULL AS live;
SELECT pg_temp.moved();
SET better_auth.disable_session_refresh = on;
SELECT better_auth.get_session(:'token') IS NOT NULL AS live;
SELECT pg_temp.moved();
RESET better_auth.disable_session_refresh;
BEGIN READ ONLY;
SELECT better_auth.get_session(:'token') IS NOT NULL AS live;
COMMIT;
SELECT pg_temp.moved();
-- Due.
SELECT (better_auth.get_session(:'token') #>> '{session,expiresAt}')::timestamptz > now() + interval '6 days 23 hours' AS prolonged;
SELECT pg_temp.moved();
-- updateAge 0: on every use.
SET better_auth.session_update_age = 0;
UPDATE better_auth.session SET "expiresAt" = now() + interval '6 days 23 hours';
SELECT better_auth.get_session(:'token') IS NOT NULL AS live;
SELECT pg_temp.moved();
RESET better_auth.session_update_age;

-- Expired: NULL, and the row goes, unless nothing may be written.
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second';
BEGIN READ ONLY;
SELECT better_auth.get_session(:'token') IS NULL AS expired;
COMMIT;
SELECT count(*) FROM better_auth.session;
SELECT better_auth.get_session(:'token') IS NULL AS expired;
SELECT count(*) FROM better_auth.session;

-- The lifetime is the setting's.
SET better_auth.session_expires_in = '2h';
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' AS token \gset
SELECT "expiresAt" - "createdAt" AS lifetime FROM better_auth.session;
RESET better_auth.session_expires_in;
DELETE FROM better_auth."user";

-- Prolonging a session touches no index.
CREATE FUNCTION hot_updates() RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_tuples_hot_updated('better_auth.session'::regclass)
$$;
BEGIN;
SELECT better_auth.sign_up_email('hot@example.com', 'correct horse battery', 'Hot') ->> 'token' AS hot \gset
UPDATE better_auth.session SET "expiresAt" = now() + interval '1 day' WHERE token = :'hot';
SELECT hot_updates() AS before \gset
SELECT better_auth.get_session(:'hot') #>> '{session,expiresAt}' > to_char(now() + interval '6 days', 'YYYY-MM-DD') AS prolonged;
SELECT hot_updates() - :before AS hot_updates;
ROLLBACK;
DROP FUNCTION hot_updates();
