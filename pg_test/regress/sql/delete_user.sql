-- Users who delete themselves, as Better Auth's POST /delete-user: by a fresh session, a password, or a mail.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS grace \gset
CREATE VIEW pg_temp.left_over AS SELECT u.name, (SELECT count(*) FROM better_auth.session) AS sessions, (SELECT count(*) FROM better_auth.account) AS accounts FROM better_auth."user" u ORDER BY 1;

-- The session comes before the setting.
SELECT better_auth.delete_user('nope');
\echo :SQLSTATE
SELECT better_auth.delete_user(NULL, 'password1234');
SELECT better_auth.delete_user(:'ada', 'wrong password');
\echo :SQLSTATE
SET better_auth.delete_user_enabled = on;
SELECT better_auth.delete_user('nope', 'password1234');
SELECT better_auth.delete_user(:'ada', 'wrong password');
\echo :SQLSTATE
SELECT better_auth.delete_user(:'ada', repeat('a', 129));
SELECT better_auth.delete_user(:'ada', token => 'nope');
\echo :SQLSTATE
UPDATE better_auth.session SET "createdAt" = now() - interval '25 hours';
SELECT better_auth.delete_user(:'ada');
\echo :SQLSTATE
SELECT better_auth.delete_user(:'ada', '', '');
SELECT * FROM pg_temp.left_over;
-- The password makes up for an old session.
SELECT better_auth.delete_user(:'ada', 'password1234');
SELECT * FROM pg_temp.left_over;
SELECT better_auth.get_session(:'ada') IS NULL AS ended;
UPDATE better_auth.account SET password = NULL;
SELECT better_auth.delete_user(:'grace', 'password1234');
\echo :SQLSTATE
SET better_auth.session_fresh_age = 0;
SELECT better_auth.delete_user(:'grace');
RESET better_auth.session_fresh_age;
SELECT * FROM pg_temp.left_over;

-- By mail.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS grace \gset
SET better_auth.send_delete_account_verification = on;
SELECT better_auth.delete_user(:'ada');
\echo :SQLSTATE
SET better_auth.base_url = 'https://app.example';
SELECT better_auth.delete_user(:'ada', 'wrong password');
SELECT better_auth.delete_user(:'ada', 'password1234', callback_url => '/bye?a=b');
SELECT better_auth.delete_user(:'grace');
SELECT kind, recipient, replace(url, token, '<token>') AS url, token ~ '^[0-9a-z]{32}$' AS is_random, data #>> '{user,name}' AS name, round(EXTRACT(epoch FROM expires_at - created_at)) AS lifetime FROM better_auth.mail_outbox ORDER BY recipient;
SELECT token FROM better_auth.mail_outbox WHERE recipient = 'ada@example.com' \gset
-- Only for whom it is, and it stays good when somebody else tries.
SELECT better_auth.delete_user(:'grace', token => :'token');
\echo :SQLSTATE
SELECT better_auth.delete_user('nope', token => :'token');
UPDATE better_auth.verification SET "expiresAt" = now() - interval '1 second' WHERE identifier = 'delete-account-' || :'token';
SELECT better_auth.delete_user(:'ada', token => :'token');
SELECT better_auth.delete_user(:'ada') ->> 'message' AS message;
SELECT token FROM better_auth.mail_outbox WHERE recipient = 'ada@example.com' ORDER BY created_at DESC LIMIT 1 \gset
UPDATE better_auth.session SET "createdAt" = now() - interval '25 hours';
SELECT better_auth.delete_user(:'ada', token => :'token');
SELECT * FROM pg_temp.left_over;
SELECT better_auth.delete_user(:'ada', token => :'token');

-- Tables that lack Better Auth's cascade.
ALTER TABLE better_auth.session DROP CONSTRAINT "session_userId_fkey";
ALTER TABLE better_auth.account DROP CONSTRAINT "account_userId_fkey";
RESET better_auth.send_delete_account_verification;
SELECT better_auth.delete_user(:'grace', 'password1234');
SELECT (SELECT count(*) FROM better_auth."user") AS users, (SELECT count(*) FROM better_auth.session) AS sessions, (SELECT count(*) FROM better_auth.account) AS accounts;
ALTER TABLE better_auth.session ADD CONSTRAINT "session_userId_fkey" FOREIGN KEY ("userId") REFERENCES better_auth."user" (id) ON DELETE CASCADE;
ALTER TABLE better_auth.account ADD CONSTRAINT "account_userId_fkey" FOREIGN KEY ("userId") REFERENCES better_auth."user" (id) ON DELETE CASCADE;
RESET better_auth.base_url;
RESET better_auth.delete_user_enabled;
DELETE FROM better_auth.mail_outbox;
DELETE FROM better_auth.verification;
