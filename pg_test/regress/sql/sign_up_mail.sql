-- When sign-up and sign-in send the verification mail.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' IS NOT NULL AS signed_in;
SELECT count(*) FROM better_auth.mail_outbox;
SET better_auth.require_email_verification = on;
-- Before anything is written.
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace');
\echo :SQLSTATE
SET better_auth.base_url = 'https://app.example/';
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace', callback_url => '/welcome') -> 'token' AS token;
SELECT kind, recipient, replace(url, token, '<token>') AS url FROM better_auth.mail_outbox;
DELETE FROM better_auth.mail_outbox;
-- Somebody else's email: the same answer, and no mail.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Eve') #- '{user,id}' #- '{user,createdAt}' #- '{user,updatedAt}' AS answer;
SELECT count(*) FROM better_auth.mail_outbox;

-- At sign-in only if it is asked for, and after a right password; the refusal undoes it.
SELECT better_auth.sign_in_email('grace@example.com', 'password1234');
\echo :SQLSTATE
SET better_auth.send_verification_on_sign_in = on;
SELECT better_auth.sign_in_email('grace@example.com', 'wrong password');
SELECT better_auth.sign_in_email('grace@example.com', 'password1234');
SELECT count(*) FROM better_auth.mail_outbox;
RESET better_auth.send_verification_on_sign_in;
RESET better_auth.require_email_verification;

SET better_auth.send_verification_on_sign_up = on;
SET better_auth.base_path = '/auth';
SELECT better_auth.sign_up_email('on@example.com', 'password1234', 'On') ->> 'token' IS NOT NULL AS signed_in;
SELECT recipient, replace(url, token, '<token>') AS url FROM better_auth.mail_outbox;
SET better_auth.base_url = 'https://app.example/a/path';
DELETE FROM better_auth.mail_outbox;
SELECT better_auth.sign_up_email('path@example.com', 'password1234', 'Path') ->> 'token' IS NOT NULL AS signed_in;
SELECT recipient, replace(url, token, '<token>') AS url FROM better_auth.mail_outbox;
SET better_auth.send_verification_email = off;
SELECT better_auth.sign_up_email('off@example.com', 'password1234', 'Off') ->> 'token' IS NOT NULL AS signed_in;
RESET better_auth.send_verification_email;
SET better_auth.send_verification_on_sign_up = off;
SET better_auth.require_email_verification = on;
SELECT better_auth.sign_up_email('silent@example.com', 'password1234', 'Silent') -> 'token' AS token;
SELECT count(*) FROM better_auth.mail_outbox;
RESET better_auth.require_email_verification;
RESET better_auth.send_verification_on_sign_up;
RESET better_auth.base_path;
RESET better_auth.base_url;
DELETE FROM better_auth.mail_outbox;
DELETE FROM better_auth."user";
