-- Additional fields of a session, as Better Auth's POST /update-session.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.update_session(:'ada', '{"theme": "dark"}');
\echo :SQLSTATE
ALTER TABLE better_auth.session ADD theme text, ADD "activeOrganizationId" text, ADD visits integer NOT NULL DEFAULT 1;
SELECT better_auth.update_session(:'ada', '{"theme": "dark"}');
SET better_auth.session_additional_fields = 'theme, activeOrganizationId, visits:readonly';
SELECT better_auth.update_session(:'ada', '{"theme": "dark", "other": 1}') -> 'session' AS session \gset
SELECT :'session'::jsonb ->> 'token' = :'ada' AS same, :'session'::jsonb - '{id,token,userId,createdAt,updatedAt,expiresAt}'::text[] AS rest;
SELECT theme, "updatedAt" > "createdAt" AS touched FROM better_auth.session;
SELECT (better_auth.get_session(:'ada') -> 'session') - '{id,token,userId,createdAt,updatedAt,expiresAt}'::text[] AS rest;
SELECT better_auth.update_session(:'ada', '{"theme": null}') #> '{session,theme}' AS theme;
-- Refused, and nothing is changed.
SELECT better_auth.update_session(:'ada', '{}');
SELECT better_auth.update_session(:'ada', NULL);
SELECT better_auth.update_session(:'ada', '[]');
\echo :SQLSTATE
SELECT better_auth.update_session(:'ada', '{"theme": 1}');
\echo :SQLSTATE
SELECT better_auth.update_session(:'ada', '{"theme": "light", "visits": 2}');
\echo :SQLSTATE
SELECT better_auth.update_session(:'ada', '{"theme": "light", "activeOrganizationId": "org"}');
SELECT better_auth.update_session(:'ada', '{"expiresAt": "2099-01-01", "userId": "x", "token": "x"}');
SELECT theme, visits, "activeOrganizationId", token = :'ada' AS same FROM better_auth.session;
SELECT better_auth.update_session('nope', '{"theme": "light"}');
\echo :SQLSTATE
SELECT better_auth.update_session(NULL, '{"theme": 1}');
SET better_auth.session_additional_fields = 'theme, token';
SELECT better_auth.update_session(:'ada', '{"theme": "light"}');
\echo :SQLSTATE
RESET better_auth.session_additional_fields;
ALTER TABLE better_auth.session DROP theme, DROP "activeOrganizationId", DROP visits;
SELECT (better_auth.get_session(:'ada') -> 'session') - '{id,token,userId,createdAt,updatedAt,expiresAt}'::text[] AS rest;
DELETE FROM better_auth."user";
