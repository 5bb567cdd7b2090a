-- The bridge token of a live session, and the service token.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS token \gset
SELECT better_auth.bridge_token(:'token') AS jwt \gset
SELECT convert_from(decode(split_part(:'jwt', '.', 1), 'base64'), 'UTF8') AS header;
SELECT better_auth.verify_jwt(:'jwt') AS claims \gset
SELECT jsonb_object_keys(:'claims'::jsonb) AS claim ORDER BY 1;
SELECT :'claims'::jsonb ->> 'sub' = u.id AS sub, :'claims'::jsonb ->> 'sid' = s.id AS sid,
       :'claims'::jsonb -> 'role' AS role, :'claims'::jsonb -> 'aud' AS aud,
       (:'claims'::jsonb -> 'exp')::int - (:'claims'::jsonb -> 'iat')::int AS lifetime,
       position(s.token IN :'claims') AS session_token_in_it
FROM better_auth."user" u, better_auth.session s;

SET better_auth.jwt_role = 'member';
SET better_auth.jwt_audience = '';
SET better_auth.jwt_expires_in = '5min';
SELECT better_auth.verify_jwt(better_auth.bridge_token(:'token')) AS claims \gset
SELECT :'claims'::jsonb -> 'role' AS role, :'claims'::jsonb ? 'aud' AS has_aud,
       (:'claims'::jsonb -> 'exp')::int - (:'claims'::jsonb -> 'iat')::int AS lifetime;
SET better_auth.jwt_role = '';
SELECT better_auth.bridge_token(:'token');
\echo :SQLSTATE
RESET ALL;

-- It never outlives its session.
SET better_auth.disable_session_refresh = on;
UPDATE better_auth.session SET "expiresAt" = now() + interval '10 minutes';
SELECT to_timestamp((better_auth.verify_jwt(better_auth.bridge_token(:'token')) -> 'exp')::int) <= "expiresAt" AS within
FROM better_auth.session;
RESET ALL;

-- No live session, no token.
SELECT better_auth.bridge_token('nope');
\echo :SQLSTATE
SELECT better_auth.bridge_token(NULL);
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second';
SELECT better_auth.bridge_token(:'token');
DELETE FROM better_auth."user";

SELECT better_auth.verify_jwt(better_auth.service_token()) - 'iat' - 'exp' AS claims;
SELECT better_auth.verify_jwt(better_auth.service_token('worker', '1 minute')) ->> 'sub' AS sub;
SELECT better_auth.service_token('');
\echo :SQLSTATE
SELECT better_auth.service_token('worker', '0');
