-- The outbox holds tokens that are as good as passwords: nobody reads it but its owner, a superuser.
SET better_auth.base_url = 'https://app.example';
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.request_password_reset('ada@example.com') ->> 'status' AS sent;
CREATE ROLE regress_mailer;
GRANT USAGE ON SCHEMA better_auth TO regress_mailer;
SET ROLE regress_mailer;
SELECT count(*) FROM better_auth.mail_outbox;
SELECT count(*) FROM better_auth.claim_mail();
SELECT better_auth.complete_mail('x');
SELECT better_auth.fail_mail('x', 'x');
RESET ROLE;
SELECT relacl IS NULL OR relacl = ARRAY[makeaclitem(relowner, relowner, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER', false)] AS owner_alone FROM pg_class WHERE oid = 'better_auth.mail_outbox'::regclass;

-- A worker needs no more than the functions.
GRANT EXECUTE ON FUNCTION better_auth.claim_mail, better_auth.complete_mail, better_auth.fail_mail TO regress_mailer;
SET ROLE regress_mailer;
SELECT id FROM better_auth.claim_mail() \gset
SELECT better_auth.fail_mail(:'id', 'no') IS NOT NULL AS again, better_auth.complete_mail(:'id') AS sent;
SELECT count(*) FROM better_auth.mail_outbox;
RESET ROLE;

-- One that somebody else owns is not written to, nor read.
GRANT CREATE ON SCHEMA better_auth TO regress_mailer;
ALTER TABLE better_auth.mail_outbox OWNER TO regress_mailer;
SELECT better_auth.send_verification_email('ada@example.com', session_token => :'ada');
\echo :SQLSTATE
SELECT * FROM better_auth.claim_mail();
SELECT better_auth.complete_mail('x');
SELECT better_auth.fail_mail('x', 'x');
SELECT count(*) FROM better_auth.mail_outbox;
SELECT count(*) FROM better_auth.verification;
-- Signing in needs no outbox.
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' IS NOT NULL AS signed_in;
ALTER TABLE better_auth.mail_outbox OWNER TO CURRENT_USER;
SELECT better_auth.request_password_reset('ada@example.com') ->> 'status' AS sent;
DROP OWNED BY regress_mailer;
DROP ROLE regress_mailer;
RESET better_auth.base_url;
DELETE FROM better_auth.mail_outbox;
DELETE FROM better_auth.verification;
DELETE FROM better_auth."user";
