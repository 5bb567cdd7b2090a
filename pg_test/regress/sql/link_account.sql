-- Sign-in with a provider's account, as Better Auth's handleOAuthUserInfo after the OAuth exchange.
CREATE VIEW pg_temp.accounts AS SELECT u.email, u.name, u.image, u."emailVerified" AS verified, a."providerId" AS provider, a."accountId" AS account, a."accessToken" AS access, a."refreshToken" AS refresh, a.scope, a."accessTokenExpiresAt" AS until
FROM better_auth."user" u LEFT JOIN better_auth.account a ON a."userId" = u.id ORDER BY 1, 5, 6;
SET timezone = 'UTC';

-- A new user.
SELECT better_auth.link_account('github', '1', 'Ada@Example.com', 'Ada', 'https://x.example/a.png', true, access_token => 'a1', refresh_token => 'r1', id_token => 'i1',
    access_token_expires_at => '2030-01-01 00:00Z', scope => 'user', ip_address => '10.0.0.1', user_agent => 'test') AS answer \gset
SELECT :'answer'::jsonb #- '{token}' #- '{user,id}' #- '{user,createdAt}' #- '{user,updatedAt}' AS answer, "ipAddress", "userAgent" FROM better_auth.session WHERE token = :'answer'::jsonb ->> 'token';
SELECT * FROM pg_temp.accounts;

-- The same account: the user whose it is, whatever else is said. NULL tokens stay, and so does the scope.
SELECT a -> 'isRegister' AS new, a #>> '{user,email}' AS email FROM better_auth.link_account('github', '1', 'other@example.com', 'Other', access_token => 'a2', scope => 'more') a;
SELECT * FROM pg_temp.accounts;
SET better_auth.update_account_on_sign_in = off;
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada', access_token => 'a3') -> 'isRegister' AS new;
RESET better_auth.update_account_on_sign_in;
SELECT access FROM pg_temp.accounts;
-- A provider that vouches for the user's own email proves it.
UPDATE better_auth."user" SET "emailVerified" = false;
SELECT better_auth.link_account('github', '1', 'other@example.com', 'Ada', email_verified => true) #> '{user,emailVerified}' AS verified;
SELECT better_auth.link_account('github', '1', 'ADA@example.com', 'Ada', email_verified => true) #> '{user,emailVerified}' AS verified;

-- Another account with the same email: linked where both sides vouch for it.
SELECT better_auth.link_account('google', 'g', 'ada@example.com', 'Ada');
\echo :SQLSTATE
UPDATE better_auth."user" SET "emailVerified" = false;
SELECT better_auth.link_account('google', 'g', 'ada@example.com', 'Ada', email_verified => true);
SET better_auth.require_local_email_verified = off;
SET better_auth.account_linking_enabled = off;
SELECT better_auth.link_account('google', 'g', 'ada@example.com', 'Ada', email_verified => true);
RESET better_auth.account_linking_enabled;
SET better_auth.disable_implicit_linking = on;
SELECT better_auth.link_account('google', 'g', 'ada@example.com', 'Ada', email_verified => true);
RESET better_auth.disable_implicit_linking;
SELECT count(*) FROM better_auth.account;
SELECT a -> 'isRegister' AS new, a #> '{user,emailVerified}' AS verified FROM better_auth.link_account('google', 'g', 'ada@example.com', 'G', 'https://x.example/g.png', email_verified => true) a;
SET better_auth.trusted_providers = 'apple, gitlab';
SET better_auth.update_user_info_on_link = on;
SELECT a -> 'isRegister' AS new, a #>> '{user,name}' AS name FROM better_auth.link_account('gitlab', 'l', 'ada@example.com', 'From GitLab', 'https://x.example/l.png') a;
SELECT email, name, image, provider, account FROM pg_temp.accounts;
RESET better_auth.update_user_info_on_link;
RESET better_auth.trusted_providers;
RESET better_auth.require_local_email_verified;

-- No new users, or none with a verified email.
SELECT better_auth.link_account('github', '9', 'new@example.com', 'New', disable_sign_up => true);
\echo :SQLSTATE
SET better_auth.disable_sign_up = on;
SELECT better_auth.link_account('github', '9', 'new@example.com', 'New');
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada', disable_sign_up => true) -> 'isRegister' AS new;
RESET better_auth.disable_sign_up;
SET better_auth.send_verification_on_sign_up = on;
SELECT better_auth.link_account('github', '9', 'new@example.com', 'New');
\echo :SQLSTATE
SELECT count(*) FROM better_auth."user";
SET better_auth.base_url = 'https://app.example';
SELECT better_auth.link_account('github', '9', 'new@example.com', 'New', callback_url => '/welcome') -> 'isRegister' AS new;
SELECT better_auth.link_account('github', '8', 'verified@example.com', 'Verified', email_verified => true) -> 'isRegister' AS new;
SELECT kind, recipient, replace(url, token, '<token>') AS url FROM better_auth.mail_outbox;
RESET better_auth.base_url;
RESET better_auth.send_verification_on_sign_up;
ALTER TABLE better_auth."user" ADD banned boolean;
UPDATE better_auth."user" SET banned = true;
SELECT count(*) AS before FROM better_auth.session \gset
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada');
\echo :SQLSTATE
SELECT count(*) = :before AS no_session FROM better_auth.session;
ALTER TABLE better_auth."user" DROP banned;

-- What has to be there.
SELECT better_auth.link_account('', '', '', '');
\echo :SQLSTATE
SELECT better_auth.link_account('github', '', 'ada@example.com', 'Ada');
SELECT better_auth.link_account(NULL, '1', 'ada@example.com', 'Ada');
\echo :SQLSTATE
SELECT better_auth.link_account('github', NULL, 'ada@example.com', 'Ada');
SELECT better_auth.link_account('github', '1', NULL, 'Ada');
SELECT better_auth.link_account('github', '1', 'ada@example.com', NULL);
SELECT better_auth.link_account('github', '1', repeat('a', 2050) || '@example.com', 'Ada');
RESET timezone;
DELETE FROM better_auth.mail_outbox;
DELETE FROM better_auth."user";
