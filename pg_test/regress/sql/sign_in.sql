-- Sign-in by email and password, as Better Auth's POST /sign-in/email.
SELECT better_auth.sign_up_email('ada@example.com', 'pässwörd', 'Ada') ->> 'token' AS first \gset
SELECT better_auth.sign_in_email('ADA@EXAMPLE.COM', 'pässwörd') AS answer \gset
SELECT jsonb_object_keys(:'answer'::jsonb) AS key ORDER BY 1;
SELECT :'answer'::jsonb -> 'redirect' AS redirect, :'answer'::jsonb ->> 'token' <> :'first' AS another_session;

-- The other Unicode form of the same password.
SELECT better_auth.sign_in_email('ada@example.com', normalize('pässwörd', NFD)) #>> '{user,email}' AS email;

SELECT answer -> 'redirect' AS redirect, answer -> 'url' AS url
FROM better_auth.sign_in_email('ada@example.com', 'pässwörd', callback_url => '/dashboard') answer;
SELECT better_auth.sign_in_email('ada@example.com', 'pässwörd', remember_me => false) ->> 'token' AS token \gset
SELECT "expiresAt" - "createdAt" AS lifetime FROM better_auth.session WHERE token = :'token';

-- Alike for a wrong password and an unknown email.
SELECT better_auth.sign_in_email('ada@example.com', 'wrong-password');
\echo :SQLSTATE
SELECT better_auth.sign_in_email('nobody@example.com', 'pässwörd');
\echo :SQLSTATE
SELECT better_auth.sign_in_email('ada@example.com', '');
SELECT better_auth.sign_in_email('nope', 'pässwörd');
\echo :SQLSTATE
SELECT better_auth.sign_in_email('ada@example.com', repeat('a', 129));
\echo :SQLSTATE
SELECT better_auth.sign_in_email('ada@example.com', NULL);
\echo :SQLSTATE

-- The password is checked before the email's verification is told.
SET better_auth.require_email_verification = on;
SELECT better_auth.sign_in_email('ada@example.com', 'wrong-password');
SELECT better_auth.sign_in_email('ada@example.com', 'pässwörd');
\echo :SQLSTATE
UPDATE better_auth."user" SET "emailVerified" = true;
SELECT better_auth.sign_in_email('ada@example.com', 'pässwörd') ->> 'token' IS NOT NULL AS signed_in;
RESET better_auth.require_email_verification;

-- What plugins' columns forbid is refused here too; a ban may run out.
ALTER TABLE better_auth."user" ADD banned boolean, ADD "banExpires" timestamptz, ADD "twoFactorEnabled" boolean DEFAULT false;
UPDATE better_auth."user" SET banned = true;
SELECT better_auth.sign_in_email('ada@example.com', 'wrong-password');
SELECT better_auth.sign_in_email('ada@example.com', 'pässwörd');
\echo :SQLSTATE
UPDATE better_auth."user" SET "banExpires" = now() - interval '1 second';
SELECT better_auth.sign_in_email('ada@example.com', 'pässwörd') ->> 'token' IS NOT NULL AS signed_in;
UPDATE better_auth."user" SET banned = false, "twoFactorEnabled" = true;
SELECT better_auth.sign_in_email('ada@example.com', 'pässwörd');
\echo :SQLSTATE
ALTER TABLE better_auth."user" DROP banned, DROP "banExpires", DROP "twoFactorEnabled";

SET better_auth.email_and_password_enabled = off;
SELECT better_auth.sign_in_email('ada@example.com', 'pässwörd');
\echo :SQLSTATE
RESET better_auth.email_and_password_enabled;

DELETE FROM better_auth."user";
