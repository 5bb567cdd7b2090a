-- The mail worker's side: claim, complete, fail. Many workers at once are in pg_test/server.
SET better_auth.base_url = 'https://app.example';
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
SELECT * FROM better_auth.claim_mail();
SELECT better_auth.send_verification_email('ada@example.com') FROM generate_series(1, 3);
SELECT count(DISTINCT id) AS ids, count(DISTINCT length(id)) AS lengths FROM better_auth.mail_outbox;
UPDATE better_auth.mail_outbox SET available_at = available_at - interval '1 second' * n FROM (SELECT id AS key, row_number() OVER (ORDER BY id) AS n FROM better_auth.mail_outbox) x WHERE id = key;

-- What was due first is given out first, whole, and to nobody else for a while.
SELECT id AS oldest FROM better_auth.mail_outbox ORDER BY available_at LIMIT 1 \gset
SELECT c.id = :'oldest' AS oldest, c.kind, c.recipient, replace(c.url, c.token, '<token>') AS url, c.data #>> '{user,email}' AS email, c.attempts, c.created_at = m.created_at AND c.expires_at = m.expires_at AS times
FROM better_auth.claim_mail(1) c JOIN better_auth.mail_outbox m USING (id);
SELECT attempts, available_at - now() BETWEEN interval '4 minutes' AND interval '5 minutes' AS later FROM better_auth.mail_outbox WHERE id = :'oldest';
SELECT count(*), bool_or(id = :'oldest') AS again FROM better_auth.claim_mail(10);
SELECT count(*) FROM better_auth.claim_mail();
SELECT better_auth.complete_mail(:'oldest');
SELECT better_auth.complete_mail(:'oldest');
SELECT better_auth.complete_mail(NULL);
\echo :SQLSTATE
SELECT count(*) FROM better_auth.mail_outbox;

-- The worker died: given out again after the time-out, and counted.
UPDATE better_auth.mail_outbox SET available_at = now() - interval '1 second';
SELECT attempts FROM better_auth.claim_mail(1);
DELETE FROM better_auth.mail_outbox WHERE attempts = 1;
UPDATE better_auth.mail_outbox SET available_at = now() - interval '1 second';
SET better_auth.mail_visibility_timeout = 0;
SELECT attempts FROM better_auth.claim_mail(1);
SELECT attempts FROM better_auth.claim_mail(1);
RESET better_auth.mail_visibility_timeout;

-- After a failure later each time: half a minute, a minute, ... six hours. The error is kept, but not all of a long one.
UPDATE better_auth.mail_outbox SET expires_at = now() + interval '1 day', attempts = 0;
SET better_auth.mail_max_attempts = 100;
SELECT id FROM better_auth.mail_outbox \gset
CREATE FUNCTION pg_temp.attempt(text, round bigint = 1) RETURNS TABLE (attempt integer, wait interval) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE better_auth.mail_outbox SET available_at = clock_timestamp() - interval '1 second';
    SELECT c.attempts INTO attempt FROM better_auth.claim_mail() c;
    wait := date_trunc('second', better_auth.fail_mail($1, 'attempt ' || attempt) - clock_timestamp() + interval '0.5 second');
    RETURN NEXT;
END $$;
SELECT a.* FROM generate_series(1, 13) n, pg_temp.attempt(:'id', n) a;
SELECT last_error FROM better_auth.mail_outbox;
SELECT better_auth.fail_mail(:'id', repeat('ä', 2000)) IS NOT NULL AS again;
SELECT length(last_error) FROM better_auth.mail_outbox;
SELECT better_auth.fail_mail(:'id', NULL) IS NOT NULL AS again;
SELECT last_error FROM better_auth.mail_outbox;
SELECT count(*) FROM better_auth.claim_mail();
-- Unknown, or given up: no next time.
SELECT better_auth.fail_mail('nope', 'x');
SELECT better_auth.fail_mail(NULL, 'x');
\echo :SQLSTATE
SET better_auth.mail_max_attempts = 2;
UPDATE better_auth.mail_outbox SET attempts = 0;
SELECT attempt, wait IS NULL AS given_up FROM pg_temp.attempt(:'id');
SELECT attempt, wait IS NULL AS given_up FROM pg_temp.attempt(:'id');
UPDATE better_auth.mail_outbox SET available_at = now() - interval '1 second';
SELECT count(*) FROM better_auth.claim_mail();
RESET better_auth.mail_max_attempts;
-- Its token will have expired by then.
UPDATE better_auth.mail_outbox SET attempts = 5, expires_at = now() + interval '1 minute';
SELECT better_auth.fail_mail(:'id', 'late') IS NULL AS given_up;
-- Expired ones are deleted instead of given out.
UPDATE better_auth.mail_outbox SET expires_at = now() - interval '1 second', available_at = now() - interval '1 second';
SELECT count(*) FROM better_auth.claim_mail();
SELECT count(*) FROM better_auth.mail_outbox;

SELECT * FROM better_auth.claim_mail(0);
\echo :SQLSTATE
SELECT * FROM better_auth.claim_mail(1001);
SELECT * FROM better_auth.claim_mail(-1);
SELECT * FROM better_auth.claim_mail(NULL);
RESET better_auth.base_url;
DELETE FROM better_auth."user";
