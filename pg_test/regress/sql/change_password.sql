-- A new password for the old one, as Better Auth's POST /change-password.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' AS other \gset
SELECT better_auth.change_password(:'ada', 'password1234', 'new password') AS answer \gset
SELECT jsonb_object_keys(:'answer'::jsonb) AS key ORDER BY 1;
SELECT :'answer'::jsonb -> 'token' AS token, :'answer'::jsonb #>> '{user,email}' AS email;
SELECT count(*) FROM better_auth.session;
SELECT better_auth.sign_in_email('ada@example.com', 'password1234');
SELECT better_auth.sign_in_email('ada@example.com', 'new password') ->> 'token' IS NOT NULL AS signed_in;

-- All sessions end, this one too, and another one begins.
SELECT better_auth.change_password(:'ada', 'new password', 'newer password', true, '10.0.0.1', 'test') ->> 'token' AS newest \gset
SELECT better_auth.get_session(:'ada') IS NULL AND better_auth.get_session(:'other') IS NULL AS ended;
SELECT token = :'newest' AS newest, "ipAddress", "userAgent" FROM better_auth.session;
\set ada :newest

-- Refused, and nothing is changed. Lengths come before the current password.
SELECT better_auth.change_password(:'ada', 'wrong password', 'another password', true);
\echo :SQLSTATE
SELECT better_auth.change_password(:'ada', 'wrong password', 'short');
\echo :SQLSTATE
SELECT better_auth.change_password(:'ada', 'wrong password', repeat('a', 129));
SELECT better_auth.change_password(:'ada', repeat('a', 129), 'another password');
SELECT better_auth.change_password(:'ada', '', 'another password');
SELECT better_auth.change_password(:'ada', 'newer password', '');
SELECT better_auth.change_password(:'ada', NULL, NULL);
\echo :SQLSTATE
SELECT better_auth.change_password(:'ada', 'newer password', NULL);
-- As false.
SELECT better_auth.change_password(:'ada', 'newer password', 'newer password', NULL) -> 'token' AS token;
SELECT count(*) FROM better_auth.session;

-- The arguments come before the session, the session before the lengths.
SELECT better_auth.change_password('nope', NULL, 'another password');
SELECT better_auth.change_password('nope', 'newer password', 'short');
\echo :SQLSTATE
SELECT better_auth.change_password(NULL, 'newer password', 'another password');
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second';
SELECT better_auth.change_password(:'ada', 'newer password', 'another password');

-- Who has no password has none to change.
SELECT better_auth.sign_in_email('ada@example.com', 'newer password') ->> 'token' AS ada \gset
UPDATE better_auth.account SET password = NULL;
SELECT better_auth.change_password(:'ada', 'newer password', 'another password');
\echo :SQLSTATE
DELETE FROM better_auth.account;
SELECT better_auth.change_password(:'ada', 'newer password', 'another password');
DELETE FROM better_auth."user";
