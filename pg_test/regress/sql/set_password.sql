-- A password for who has none, as Better Auth's setPassword.
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada', email_verified => true) ->> 'token' AS ada \gset
SELECT better_auth.verify_password(:'ada', 'password1234');
\echo :SQLSTATE
SELECT better_auth.set_password(:'ada', 'short');
\echo :SQLSTATE
SELECT better_auth.set_password(:'ada', repeat('a', 129));
SELECT better_auth.set_password(:'ada', NULL);
\echo :SQLSTATE
SELECT better_auth.set_password('nope', NULL);
SELECT better_auth.set_password('nope', 'short');
\echo :SQLSTATE
SELECT better_auth.set_password(NULL, 'password1234');
SELECT better_auth.set_password(:'ada', 'password1234');
SELECT "providerId", "accountId" = "userId" AS by_user, password IS NOT NULL AS has_password FROM better_auth.account ORDER BY 1;
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' IS NOT NULL AS signed_in;
SELECT better_auth.verify_password(:'ada', 'password1234');

-- Once.
SELECT better_auth.set_password(:'ada', 'another password');
\echo :SQLSTATE
SELECT better_auth.set_password(:'ada', 'short');
-- A credential account without a password gets it.
UPDATE better_auth.account SET password = NULL;
SELECT better_auth.set_password(:'ada', 'another password');
SELECT count(*) FROM better_auth.account;

-- Is it the password?
SELECT better_auth.verify_password(:'ada', 'another password');
SELECT better_auth.verify_password(:'ada', 'password1234');
\echo :SQLSTATE
SELECT better_auth.verify_password(:'ada', '');
SELECT better_auth.verify_password(:'ada', repeat('a', 129));
SELECT better_auth.verify_password(:'ada', NULL);
\echo :SQLSTATE
SELECT better_auth.verify_password('nope', NULL);
SELECT better_auth.verify_password('nope', 'another password');
\echo :SQLSTATE
SELECT better_auth.verify_password(NULL, 'another password');
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second';
SELECT better_auth.verify_password(:'ada', 'another password');
SELECT better_auth.set_password(:'ada', 'another password');
DELETE FROM better_auth."user";
