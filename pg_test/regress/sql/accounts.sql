-- How a user signs in, as Better Auth's GET /list-accounts and POST /unlink-account.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT better_auth.link_account('github', '1', 'grace@example.com', 'Grace', email_verified => true, scope => 'user:email,read') ->> 'token' AS grace \gset
SELECT better_auth.link_account('github', '2', 'ada@example.com', 'Ada', email_verified => true, session_token => :'ada', scope => 'a, b ,,c') AS answer;
SELECT a - 'id' - 'userId' - 'createdAt' - 'updatedAt' - 'accountId' AS account, a ->> 'accountId' IN ('2', a ->> 'userId') AS named, (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(a) k) AS keys
FROM jsonb_array_elements(better_auth.list_accounts(:'ada')) a;
SELECT jsonb_path_query_array(better_auth.list_accounts(:'grace'), '$[*].scopes') AS scopes;
SELECT better_auth.list_accounts('nope');
\echo :SQLSTATE
SELECT better_auth.list_accounts(NULL);

-- By the id that list_accounts shows, and only one's own.
SELECT id AS hers FROM better_auth.account WHERE "accountId" = '1' \gset
SELECT id AS github FROM better_auth.account WHERE "accountId" = '2' \gset
SELECT id AS credential FROM better_auth.account WHERE "providerId" = 'credential' \gset
SELECT better_auth.unlink_account(:'ada', :'hers');
\echo :SQLSTATE
SELECT better_auth.unlink_account(:'ada', '2');
SELECT better_auth.unlink_account(:'ada', NULL);
\echo :SQLSTATE
SELECT better_auth.unlink_account('nope', NULL);
SELECT better_auth.unlink_account('nope', :'github');
\echo :SQLSTATE
SELECT better_auth.unlink_account(NULL, :'github');
UPDATE better_auth.session SET "createdAt" = now() - interval '25 hours';
SELECT better_auth.unlink_account(:'ada', :'github');
\echo :SQLSTATE
UPDATE better_auth.session SET "createdAt" = now();
SELECT better_auth.unlink_account(:'ada', :'credential');
SELECT better_auth.sign_in_email('ada@example.com', 'password1234');
-- Not the last one, and that is told before it is looked for.
SELECT better_auth.unlink_account(:'ada', :'github');
\echo :SQLSTATE
SELECT better_auth.unlink_account(:'ada', 'nope');
SET better_auth.allow_unlinking_all = on;
SELECT better_auth.unlink_account(:'ada', 'nope');
SELECT better_auth.unlink_account(:'ada', :'github');
SELECT better_auth.list_accounts(:'ada');
SELECT better_auth.unlink_account(:'ada', :'github');
RESET better_auth.allow_unlinking_all;
SELECT count(*) FROM better_auth.account;
DELETE FROM better_auth."user";
