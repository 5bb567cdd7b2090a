-- A provider's account for who is signed in, as Better Auth's POST /link-social.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS grace \gset
CREATE VIEW pg_temp.accounts AS SELECT u.name, u.image, a."providerId" AS provider, a."accountId" AS account, a."accessToken" AS access, a.scope
FROM better_auth."user" u JOIN better_auth.account a ON a."userId" = u.id WHERE a."providerId" <> 'credential' ORDER BY 1, 3, 4;

SELECT better_auth.link_account('github', '1', 'ADA@example.com', 'Ada on GitHub', session_token => 'nope');
\echo :SQLSTATE
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada on GitHub', session_token => '');
SELECT better_auth.link_account('github', '', 'ada@example.com', 'Ada on GitHub', session_token => 'nope');
\echo :SQLSTATE
-- The provider has to vouch for the email, or be trusted.
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada on GitHub', session_token => :'ada');
\echo :SQLSTATE
SET better_auth.account_linking_enabled = off;
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada on GitHub', session_token => :'ada', email_verified => true);
RESET better_auth.account_linking_enabled;
SELECT better_auth.link_account('github', '1', 'other@example.com', 'Ada on GitHub', session_token => :'ada', email_verified => true);
\echo :SQLSTATE
SELECT * FROM pg_temp.accounts;
SELECT better_auth.link_account('github', '1', 'ADA@example.com', 'Ada on GitHub', 'https://x.example/a.png', true, :'ada', access_token => 'a1', scope => 'user');
SET better_auth.trusted_providers = 'gitlab';
SET better_auth.allow_different_emails = on;
SELECT better_auth.link_account('gitlab', '1', 'other@example.com', 'Ada on GitLab', session_token => :'ada');
SELECT * FROM pg_temp.accounts;
-- Again: new tokens, the same scope; and what else is said of the user where the setting says so.
SET better_auth.update_user_info_on_link = on;
SELECT better_auth.link_account('github', '1', 'ada@example.com', 'Ada on GitHub', 'https://x.example/a.png', session_token => :'ada', access_token => 'a2', scope => 'more');
RESET better_auth.update_user_info_on_link;
SELECT * FROM pg_temp.accounts;
-- Somebody else's.
SELECT better_auth.link_account('github', '1', 'grace@example.com', 'Grace', email_verified => true, session_token => :'grace');
\echo :SQLSTATE
SELECT count(*) FROM pg_temp.accounts;
RESET better_auth.trusted_providers;
RESET better_auth.allow_different_emails;
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second';
SELECT better_auth.link_account('gitea', '1', 'ada@example.com', 'Ada', email_verified => true, session_token => :'ada');
SELECT (SELECT count(*) FROM better_auth."user") AS users, count(*) AS accounts FROM pg_temp.accounts;
DELETE FROM better_auth."user";
