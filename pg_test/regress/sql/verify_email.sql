-- Proof of an email address, as Better Auth's POST /send-verification-email and GET /verify-email.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS grace \gset
SELECT better_auth.send_verification_email('ada@example.com');
\echo :SQLSTATE
SET better_auth.base_url = 'https://app.example';

-- Alike for an email that nobody has, and one that is verified.
SELECT better_auth.send_verification_email('ADA@example.com', '/welcome?a=b');
SELECT better_auth.send_verification_email('nobody@example.com', '/welcome?a=b');
UPDATE better_auth."user" SET "emailVerified" = true WHERE name = 'Grace';
SELECT better_auth.send_verification_email('grace@example.com');
UPDATE better_auth."user" SET "emailVerified" = false;
SELECT kind, recipient, replace(url, token, '<token>') AS url, data #>> '{user,name}' AS name, data ? 'newEmail' AS has_new, round(EXTRACT(epoch FROM expires_at - created_at)) AS lifetime FROM better_auth.mail_outbox;
SELECT count(*) FROM better_auth.verification;

-- With a session it is for its own email only.
SELECT better_auth.send_verification_email('ada@example.com', session_token => :'ada');
SELECT better_auth.send_verification_email('grace@example.com', session_token => :'ada');
\echo :SQLSTATE
SELECT better_auth.send_verification_email('nobody@example.com', session_token => :'ada');
SELECT better_auth.send_verification_email('ada@example.com', session_token => 'nope');
SELECT better_auth.send_verification_email('nope');
\echo :SQLSTATE
SELECT better_auth.send_verification_email(NULL);
SET better_auth.send_verification_email = off;
SELECT better_auth.send_verification_email('nope');
SELECT better_auth.send_verification_email('grace@example.com', session_token => :'ada');
\echo :SQLSTATE
RESET better_auth.send_verification_email;
SELECT recipient, count(*) FROM better_auth.mail_outbox GROUP BY 1;

-- A token is good for as long as the email isn't verified, and does nothing after it.
SELECT token FROM better_auth.mail_outbox LIMIT 1 \gset
SELECT better_auth.verify_email('nope');
\echo :SQLSTATE
SELECT better_auth.verify_email('');
SELECT better_auth.verify_email(NULL);
\echo :SQLSTATE
SELECT better_auth.verify_email(:'token' || 'x');
SELECT better_auth.verify_email(better_auth.bridge_token(:'ada'));
SELECT better_auth.verify_email(:'token');
SELECT name, "emailVerified" FROM better_auth."user" ORDER BY 1;
SELECT better_auth.verify_email(:'token');
SELECT better_auth.send_verification_email('ada@example.com', session_token => :'ada');
\echo :SQLSTATE
-- Of an address that the user no longer has, and of one that has become somebody else's.
UPDATE better_auth."user" SET email = 'new@example.com', "emailVerified" = false WHERE name = 'Ada';
SELECT better_auth.verify_email(:'token');
\echo :SQLSTATE
UPDATE better_auth."user" SET email = 'ada@example.com' WHERE name = 'Grace';
SELECT better_auth.verify_email(:'token');
SELECT name, "emailVerified" FROM better_auth."user" ORDER BY 1;
UPDATE better_auth."user" SET email = 'grace@example.com' WHERE name = 'Grace';
UPDATE better_auth."user" SET email = 'ada@example.com' WHERE name = 'Ada';

-- Too late.
SET better_auth.email_verification_expires_in = 0;
DELETE FROM better_auth.mail_outbox;
SELECT better_auth.send_verification_email('ada@example.com');
SELECT token AS expired FROM better_auth.mail_outbox \gset
SELECT better_auth.verify_email(:'expired');
\echo :SQLSTATE
RESET better_auth.email_verification_expires_in;

-- It signs in where the setting says so; who has the user's session keeps it.
SET better_auth.auto_sign_in_after_verification = on;
SELECT better_auth.verify_email(:'token', NULL, '10.0.0.1', 'test') AS answer \gset
SELECT :'answer'::jsonb - 'token' AS answer, s."ipAddress", s."userAgent", s."userId" = u.id AS hers
FROM better_auth.session s JOIN better_auth."user" u ON u.name = 'Ada' WHERE s.token = :'answer'::jsonb ->> 'token';
UPDATE better_auth."user" SET "emailVerified" = false;
SELECT better_auth.verify_email(:'token', :'ada');
UPDATE better_auth."user" SET "emailVerified" = false;
SELECT better_auth.verify_email(:'token', :'grace') ->> 'token' NOT IN (:'ada', :'grace') AS another;
SELECT better_auth.verify_email(:'token');
ALTER TABLE better_auth."user" ADD banned boolean;
UPDATE better_auth."user" SET "emailVerified" = false, banned = true;
SELECT better_auth.verify_email(:'token');
\echo :SQLSTATE
SELECT bool_or("emailVerified") AS verified FROM better_auth."user";
ALTER TABLE better_auth."user" DROP banned;
RESET better_auth.auto_sign_in_after_verification;
-- The secret changes, and the old one is kept for a while, or not.
SELECT better_auth.rotate_secret('cookie', '1 hour');
SELECT better_auth.verify_email(:'token');
UPDATE better_auth."user" SET "emailVerified" = false;
SELECT better_auth.rotate_secret('cookie', '0');
UPDATE better_auth.signing_secret SET valid_until = now() - interval '1 second' WHERE valid_until IS NOT NULL;
SELECT better_auth.verify_email(:'token');
RESET better_auth.base_url;
DELETE FROM better_auth.mail_outbox;
DELETE FROM better_auth."user";
