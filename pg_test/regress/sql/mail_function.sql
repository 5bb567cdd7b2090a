-- A function of the DBA's own that sends mail in place of the outbox.
\set SHOW_CONTEXT never
SET better_auth.base_url = 'https://app.example';
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
CREATE ROLE regress_mailer;
CREATE SCHEMA regress_mail AUTHORIZATION regress_mailer;
SET ROLE regress_mailer;
CREATE TABLE regress_mail.sent (mail jsonb, role name, path text);
CREATE FUNCTION regress_mail.send(mail jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_mail.sent VALUES (mail, current_user, current_setting('search_path'));
    IF mail ->> 'recipient' LIKE 'bounce%' THEN
        RAISE EXCEPTION 'no mail to %', mail ->> 'recipient' USING ERRCODE = 'P0001', DETAIL = 'BOUNCED';
    END IF;
END $$;
RESET ROLE;
SET better_auth.send_mail_function = 'regress_mail.send';
SELECT better_auth.request_password_reset('ada@example.com', '/reset');
SELECT better_auth.request_password_reset('nobody@example.com', '/reset');
SELECT mail - 'user' - 'token' - 'expiresAt' - 'url' AS mail, replace(mail ->> 'url', mail ->> 'token', '<token>') AS url, mail #>> '{user,name}' AS name, role, path,
       (mail ->> 'expiresAt')::timestamptz - now() BETWEEN interval '59 minutes' AND interval '1 hour' AS lives FROM regress_mail.sent;
SELECT count(*) FROM better_auth.mail_outbox;
-- The token that it was given is good.
SELECT mail ->> 'token' AS token FROM regress_mail.sent \gset
SELECT better_auth.reset_password(:'token', 'new password');

-- What it raises refuses the operation, and nothing is left of that.
SET better_auth.send_verification_on_sign_up = on;
SELECT better_auth.sign_up_email('bounce@example.com', 'password1234', 'Bounce');
\echo :SQLSTATE
SELECT count(*) FROM better_auth."user";
RESET better_auth.send_verification_on_sign_up;
-- Where the answer must not tell who is known, it goes into the server's log.
SET better_auth.change_email_enabled = on;
SELECT better_auth.change_email(:'ada', 'bounce@example.com');
SELECT count(*) FROM regress_mail.sent;
RESET better_auth.change_email_enabled;
RESET better_auth.send_mail_function;
RESET better_auth.base_url;
DROP OWNED BY regress_mailer;
DROP ROLE regress_mailer;
DELETE FROM better_auth."user";
