-- Another email, as Better Auth's POST /change-email, in each of its ways.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS grace \gset
CREATE VIEW pg_temp.users AS SELECT name, email, "emailVerified" FROM better_auth."user" ORDER BY name;
CREATE VIEW pg_temp.mails AS SELECT kind, recipient, replace(url, token, '<token>') AS url, data #>> '{user,email}' AS email, data ->> 'newEmail' AS new FROM better_auth.mail_outbox;
SELECT better_auth.change_email(:'ada', 'new@example.com');
\echo :SQLSTATE
SET better_auth.change_email_enabled = on;
SELECT better_auth.change_email(:'ada', 'new@example.com');
\echo :SQLSTATE
SET better_auth.base_url = 'https://app.example';

-- Arguments, session, setting, then the email.
SELECT better_auth.change_email('nope', 'nope');
\echo :SQLSTATE
SELECT better_auth.change_email('nope', NULL);
SELECT better_auth.change_email('nope', 'new@example.com');
\echo :SQLSTATE
SELECT better_auth.change_email(NULL, 'new@example.com');
SELECT better_auth.change_email(:'ada', 'ADA@example.com');
\echo :SQLSTATE
SELECT better_auth.change_email(:'ada', repeat('a', 2050) || '@example.com');
SET better_auth.change_email_enabled = off;
SELECT better_auth.change_email('nope', 'new@example.com');
SELECT better_auth.change_email(:'ada', 'ada@example.com');
SET better_auth.change_email_enabled = on;
SET better_auth.send_verification_email = off;
SELECT better_auth.change_email(:'ada', 'ada@example.com');
SELECT better_auth.change_email(:'ada', 'new@example.com');
\echo :SQLSTATE
RESET better_auth.send_verification_email;

-- The new address proves itself. Alike for one that is taken.
SELECT better_auth.change_email(:'ada', 'GRACE@example.com', '/done');
SELECT * FROM pg_temp.mails;
SELECT better_auth.change_email(:'ada', 'NEW@example.com', '/done');
SELECT * FROM pg_temp.mails;
SELECT * FROM pg_temp.users;
SELECT token FROM better_auth.mail_outbox \gset
-- Not with somebody else's session.
SELECT better_auth.verify_email(:'token', :'grace');
\echo :SQLSTATE
-- Taken meanwhile.
UPDATE better_auth."user" SET email = 'new@example.com' WHERE name = 'Grace';
SELECT better_auth.verify_email(:'token');
\echo :SQLSTATE
UPDATE better_auth."user" SET email = 'grace@example.com' WHERE name = 'Grace';
SELECT better_auth.verify_email(:'token') #- '{user,id}' #- '{user,createdAt}' #- '{user,updatedAt}' AS answer;
SELECT * FROM pg_temp.users;
-- Once.
SELECT better_auth.verify_email(:'token');
\echo :SQLSTATE
SELECT better_auth.get_session(:'ada') #>> '{user,email}' AS email;
DELETE FROM better_auth.mail_outbox;

-- The old address, which is verified, is asked first.
SET better_auth.send_change_email_confirmation = on;
UPDATE better_auth."user" SET "emailVerified" = true;
SELECT better_auth.change_email(:'ada', 'third@example.com', '/done');
SELECT * FROM pg_temp.mails;
SELECT token FROM better_auth.mail_outbox \gset
DELETE FROM better_auth.mail_outbox;
SELECT better_auth.verify_email(:'token', :'grace');
SELECT better_auth.verify_email(:'token');
SELECT * FROM pg_temp.mails;
SELECT * FROM pg_temp.users;
SELECT token AS second FROM better_auth.mail_outbox \gset
DELETE FROM better_auth.mail_outbox;
SELECT better_auth.verify_email(:'second', :'ada') #>> '{user,email}' AS email;
SELECT * FROM pg_temp.users;
-- The token to the old address is void with it.
SELECT better_auth.verify_email(:'token');
-- One that isn't verified is not asked.
UPDATE better_auth."user" SET "emailVerified" = false;
SELECT better_auth.change_email(:'ada', 'fourth@example.com');
SELECT * FROM pg_temp.mails;
DELETE FROM better_auth.mail_outbox;
RESET better_auth.send_change_email_confirmation;

-- At once, where it isn't verified and the setting allows that.
SET better_auth.update_email_without_verification = on;
SELECT better_auth.change_email(:'ada', 'grace@example.com');
SELECT better_auth.change_email(:'ada', 'fifth@example.com');
SELECT * FROM pg_temp.users;
SELECT * FROM pg_temp.mails;
DELETE FROM better_auth.mail_outbox;
SET better_auth.send_verification_email = off;
RESET better_auth.base_url;
SELECT better_auth.change_email(:'ada', 'sixth@example.com');
SELECT * FROM pg_temp.users;
UPDATE better_auth."user" SET "emailVerified" = true;
SELECT better_auth.change_email(:'ada', 'seventh@example.com');
SELECT count(*) FROM better_auth.mail_outbox;
RESET better_auth.update_email_without_verification;
RESET better_auth.send_verification_email;
RESET better_auth.change_email_enabled;
DELETE FROM better_auth."user";
