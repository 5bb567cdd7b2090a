-- A new password for who forgot the old one, as Better Auth's POST /request-password-reset and /reset-password.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS grace \gset
SELECT better_auth.request_password_reset('ada@example.com');
\echo :SQLSTATE
SET better_auth.base_url = 'https://app.example';

-- Alike for an email that nobody has.
SELECT better_auth.request_password_reset('ADA@example.com', 'https://app.example/reset?a=b');
SELECT better_auth.request_password_reset('nobody@example.com', 'https://app.example/reset?a=b');
SELECT kind, recipient, replace(url, token, '<token>') AS url, length(token), data #>> '{user,name}' AS name, data ? 'newEmail' AS has_new, attempts, last_error,
       round(EXTRACT(epoch FROM expires_at - created_at)) AS lifetime, available_at = created_at AS is_due FROM better_auth.mail_outbox;
SELECT replace(v.identifier, m.token, '<token>') AS identifier, v.value = u.id AS is_hers, v."expiresAt" = m.expires_at AS same_lifetime
FROM better_auth.verification v, better_auth.mail_outbox m JOIN better_auth."user" u ON u.email = m.recipient;
SELECT token FROM better_auth.mail_outbox \gset

-- Refused, and the token stays good. A wrong token is told only after the new password was looked at.
SELECT better_auth.reset_password(:'token', 'short');
\echo :SQLSTATE
SELECT better_auth.reset_password(:'token', repeat('a', 129));
SELECT better_auth.reset_password(:'token', NULL);
\echo :SQLSTATE
SELECT better_auth.reset_password('nope', 'new password');
\echo :SQLSTATE
SELECT better_auth.reset_password('nope', 'short');
SELECT better_auth.reset_password(NULL, 'new password');
SELECT better_auth.reset_password('', 'new password');
SELECT better_auth.reset_password(NULL, NULL);
-- A token is not a pattern, and that of another purpose is none.
SELECT better_auth.reset_password('%', 'new password');
INSERT INTO better_auth.verification (id, identifier, value, "expiresAt") SELECT 'x', 'delete-account-' || :'token' || 'x', id, now() + interval '1 hour' FROM better_auth."user" WHERE name = 'Grace';
SELECT better_auth.reset_password(:'token' || 'x', 'new password');

-- Good for one time, and then the user's other reset tokens are void; sessions stay.
SELECT better_auth.request_password_reset('ada@example.com') ->> 'status' AS status;
SELECT better_auth.request_password_reset('grace@example.com') ->> 'status' AS status;
SELECT replace(url, token, '<token>') AS url FROM better_auth.mail_outbox WHERE recipient = 'grace@example.com';
SELECT better_auth.reset_password(:'token', 'new password');
SELECT better_auth.reset_password(:'token', 'new password');
SELECT count(*) AS left_over, min(u.name) AS of FROM better_auth.verification v JOIN better_auth."user" u ON u.id = v.value WHERE v.identifier LIKE 'reset-password:%';
SELECT better_auth.sign_in_email('ada@example.com', 'password1234');
SELECT better_auth.sign_in_email('ada@example.com', 'new password') ->> 'token' IS NOT NULL AS signed_in;
SELECT better_auth.get_session(:'ada') IS NOT NULL AS signed_in;

-- Too late; the user is gone; sessions end where the setting says so; a password is made for who has none.
UPDATE better_auth.verification SET "expiresAt" = now() - interval '1 second';
SELECT token FROM better_auth.mail_outbox WHERE recipient = 'grace@example.com' \gset
SELECT better_auth.reset_password(:'token', 'new password');
UPDATE better_auth.verification SET "expiresAt" = now() + interval '1 hour', value = 'nobody' WHERE identifier = 'reset-password:' || :'token';
SELECT better_auth.reset_password(:'token', 'new password');
\echo :SQLSTATE
UPDATE better_auth.verification SET value = (SELECT id FROM better_auth."user" WHERE name = 'Grace');
DELETE FROM better_auth.account WHERE "userId" = (SELECT id FROM better_auth."user" WHERE name = 'Grace');
SET better_auth.revoke_sessions_on_password_reset = on;
SELECT better_auth.reset_password(:'token', 'new password');
SELECT better_auth.get_session(:'grace') IS NULL AS ended, better_auth.get_session(:'ada') IS NOT NULL AS untouched;
SELECT better_auth.sign_in_email('grace@example.com', 'new password') ->> 'token' IS NOT NULL AS signed_in;
RESET better_auth.revoke_sessions_on_password_reset;

SELECT better_auth.request_password_reset('nope');
\echo :SQLSTATE
SELECT better_auth.request_password_reset(NULL);
SET better_auth.send_reset_password = off;
SELECT better_auth.request_password_reset('nope');
SELECT better_auth.request_password_reset('ada@example.com');
\echo :SQLSTATE
RESET better_auth.send_reset_password;
SET better_auth.reset_password_token_expires_in = 60;
DELETE FROM better_auth.mail_outbox;
SELECT better_auth.request_password_reset('ada@example.com') ->> 'status' AS status;
SELECT round(EXTRACT(epoch FROM expires_at - created_at)) AS lifetime FROM better_auth.mail_outbox;
RESET better_auth.reset_password_token_expires_in;
RESET better_auth.base_url;
DELETE FROM better_auth.mail_outbox;
DELETE FROM better_auth.verification;
DELETE FROM better_auth."user";
