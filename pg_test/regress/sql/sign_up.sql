-- Sign-up by email and password, as Better Auth's POST /sign-up/email.
SELECT better_auth.sign_up_email(email => 'Ada@Example.COM', password => 'password1234', name => 'Ada',
                                 ip_address => '203.0.113.7', user_agent => 'curl/8.5.0') AS answer \gset
SELECT jsonb_object_keys(:'answer'::jsonb) AS key ORDER BY 1;
SELECT :'answer'::jsonb -> 'user' #- '{id}' #- '{createdAt}' #- '{updatedAt}' AS "user",
       :'answer'::jsonb #>> '{user,id}' ~ '^[a-zA-Z0-9]{32}$' AS id,
       :'answer'::jsonb #>> '{user,createdAt}' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$' AS date,
       :'answer'::jsonb ->> 'token' ~ '^[a-zA-Z0-9]{32}$' AS token;

-- The rows.
SELECT name, email, "emailVerified", image, "createdAt" = "updatedAt" AS same,
       date_trunc('milliseconds', "createdAt") = "createdAt" AS milliseconds
FROM better_auth."user";
SELECT a."providerId", a."accountId" = u.id AS is_user, a."userId" = u.id AS of_user,
       a.password ~ '^\$argon2id\$v=19\$m=19456,t=2,p=1\$' AS argon2id, a."accessToken", a.scope
FROM better_auth.account a, better_auth."user" u;
SELECT "expiresAt" - "createdAt" AS lifetime, "createdAt" = "updatedAt" AS same, "ipAddress", "userAgent",
       token = :'answer'::jsonb ->> 'token' AS token
FROM better_auth.session;

-- A day if the browser is not to remember; unknown addresses are the empty string.
SELECT better_auth.sign_up_email('norem@example.com', 'password1234', '', 'https://img/x.png', remember_me => false)
    -> 'user' -> 'image' AS image;
SELECT s."expiresAt" - s."createdAt" AS lifetime, s."ipAddress" = '' AND s."userAgent" = '' AS empty
FROM better_auth.session s JOIN better_auth."user" u ON u.id = s."userId" WHERE u.email = 'norem@example.com';

-- Taken, in any case.
SELECT better_auth.sign_up_email('ADA@example.com', 'password1234', 'x');
\echo :SQLSTATE

-- The issues of one request, all at once, in Better Auth's words.
SELECT better_auth.sign_up_email(NULL, NULL, NULL);
\echo :SQLSTATE
SELECT better_auth.sign_up_email('nope', '', 'x');
SELECT better_auth.sign_up_email(' sp@example.com ', 'password1234', 'x');
SELECT better_auth.sign_up_email('jürgen@example.com', 'password1234', 'x');

-- Lengths count UTF-16 units: four emoji are eight.
SELECT better_auth.sign_up_email('s@example.com', '1234567', 'x');
\echo :SQLSTATE
SELECT better_auth.sign_up_email('s@example.com', repeat('a', 129), 'x');
SELECT better_auth.sign_up_email('emoji@example.com', '😀😀😀😀', 'x') ->> 'token' IS NOT NULL AS signed_in;
SELECT better_auth.sign_up_email(repeat('a', 5000) || '@example.com', 'password1234', 'x');
\echo :SQLSTATE
SELECT count(*) FROM better_auth."user";

-- Settings.
SET better_auth.auto_sign_in = off;
SELECT better_auth.sign_up_email('auto@example.com', 'password1234', 'x') -> 'token' AS token;
-- A taken email isn't told: the answer is that of a new user, but there is none.
SELECT better_auth.sign_up_email('AUTO@example.com', 'password1234', 'Intruder') #- '{user,id}' #- '{user,createdAt}' #- '{user,updatedAt}' AS answer;
SELECT name FROM better_auth."user" WHERE email = 'auto@example.com';
-- Nor by what the database makes of the email, or asks of it.
SELECT better_auth.sign_up_email('ab12@example.com', 'password1234', 'x') -> 'token' AS token;
BEGIN;
ALTER TABLE better_auth."user" ADD plain text GENERATED ALWAYS AS (lower(email)) STORED,
    ADD CHECK (length(split_part(email, '@', 1)) <= 5);
SET LOCAL better_auth.user_additional_fields = 'plain:readonly';
SELECT better_auth.sign_up_email('auto@example.com', 'password1234', 'x') -> 'user' ->> 'plain' AS taken;
SELECT better_auth.sign_up_email('ab12@example.com', 'password1234', 'x') -> 'user' ->> 'plain' AS taken;
SELECT better_auth.sign_up_email('ab34@example.com', 'password1234', 'x') -> 'user' ->> 'plain' AS new;
ROLLBACK;
DELETE FROM better_auth."user" WHERE email = 'ab12@example.com';
RESET better_auth.auto_sign_in;
SET better_auth.disable_sign_up = on;
SELECT better_auth.sign_up_email('off@example.com', 'password1234', 'x');
\echo :SQLSTATE
RESET better_auth.disable_sign_up;
SET better_auth.min_password_length = 12;
SELECT better_auth.sign_up_email('min@example.com', 'password123', 'x');
RESET better_auth.min_password_length;

-- A constraint of the DBA's own: its error doesn't show the row, which has a hash or a token in it.
ALTER TABLE better_auth.account ADD CONSTRAINT no_passwords CHECK (password IS NULL) NOT VALID;
SELECT better_auth.sign_up_email('check@example.com', 'password1234', 'x');
\echo :SQLSTATE
ALTER TABLE better_auth.account DROP CONSTRAINT no_passwords;
SELECT count(*) AS nothing_left FROM better_auth."user" WHERE email = 'check@example.com';

DELETE FROM better_auth."user";
