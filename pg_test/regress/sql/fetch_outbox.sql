-- Requests that the DBA's own SQL asks for: enqueue, claim, complete, fail. Workers at once are in pg_test/server.
SELECT length(better_auth.enqueue_fetch('https://hooks.example/a', '{"a": 1}')) AS id;
SELECT length(better_auth.enqueue_fetch('HTTPS://Hooks.Example/b?c=d', headers => '{"Authorization": "Bearer x", "X-A": ""}', method => 'DELETE')) AS id;
SELECT length(better_auth.enqueue_fetch('http://localhost:4000', 'null')) AS id;
SELECT length(better_auth.enqueue_fetch('https://hooks.example', '[12345678901234567890.1230, "é\n"]', '{}', 'PUT')) AS id;
SELECT length(better_auth.enqueue_fetch('https://hooks.example', headers => NULL, method => 'GET')) AS id;
SELECT method, url, headers, body, attempts, last_error, expires_at - created_at AS lives, available_at = created_at AS at_once FROM better_auth.fetch_outbox ORDER BY url, method;

-- What is none.
\set VERBOSITY terse
SELECT better_auth.enqueue_fetch(NULL);
SELECT better_auth.enqueue_fetch('https://hooks.example', method => NULL);
SELECT better_auth.enqueue_fetch('');
SELECT better_auth.enqueue_fetch('/a');
\echo :SQLSTATE
SELECT better_auth.enqueue_fetch('file:///etc/passwd');
SELECT better_auth.enqueue_fetch('https://user:password@hooks.example');
SELECT better_auth.enqueue_fetch('https://hooks.example/' || repeat('x', 16384));
SELECT better_auth.enqueue_fetch('https://hooks.example', method => 'post');
SELECT better_auth.enqueue_fetch('https://hooks.example', method => 'TRACE');
SELECT better_auth.enqueue_fetch('https://hooks.example', '{}', method => 'GET');
SELECT better_auth.enqueue_fetch('https://hooks.example', headers => '[]');
SELECT better_auth.enqueue_fetch('https://hooks.example', headers => '{"a": 1}');
SELECT better_auth.enqueue_fetch('https://hooks.example', headers => '{"a b": "c"}');
SELECT better_auth.enqueue_fetch('https://hooks.example', headers => '{"a": "b\r\nc: d"}');
SELECT better_auth.enqueue_fetch('https://hooks.example', headers => jsonb_build_object('a', repeat('x', 16384)));
SELECT better_auth.enqueue_fetch('https://hooks.example', to_jsonb(repeat('x', 1048576)));
\set VERBOSITY default
SELECT count(*) FROM better_auth.fetch_outbox;

-- What was due first is given out first, whole, and to nobody else for a while.
UPDATE better_auth.fetch_outbox SET available_at = available_at - interval '1 hour' WHERE method = 'DELETE';
SELECT c.method, c.url, c.headers, c.body, c.attempts, c.created_at = o.created_at AND c.expires_at = o.expires_at AS times
FROM better_auth.claim_fetch(1) c JOIN better_auth.fetch_outbox o USING (id);
SELECT id FROM better_auth.fetch_outbox WHERE method = 'DELETE' \gset
SELECT attempts, available_at - now() BETWEEN interval '4 minutes' AND interval '5 minutes' AS later FROM better_auth.fetch_outbox WHERE id = :'id';
SELECT count(*), bool_or(id = :'id') AS again FROM better_auth.claim_fetch();
SELECT count(*) FROM better_auth.claim_fetch();
SELECT better_auth.complete_fetch(:'id');
SELECT better_auth.complete_fetch(:'id');
SELECT better_auth.complete_fetch(NULL);
DELETE FROM better_auth.fetch_outbox WHERE method <> 'PUT';

-- The worker died: given out again after the time-out, and counted.
SET better_auth.fetch_visibility_timeout = 0;
UPDATE better_auth.fetch_outbox SET available_at = now() - interval '1 second';
SELECT attempts FROM better_auth.claim_fetch();
SELECT attempts FROM better_auth.claim_fetch();
RESET better_auth.fetch_visibility_timeout;

-- After a failure later each time, until it is given up. It is deleted when it has expired.
SELECT id FROM better_auth.fetch_outbox \gset
UPDATE better_auth.fetch_outbox SET attempts = 3;
SELECT date_trunc('second', better_auth.fail_fetch(:'id', 'status 500') - clock_timestamp() + interval '0.5 second') AS wait;
SELECT last_error FROM better_auth.fetch_outbox;
SELECT better_auth.fail_fetch('nope', 'x');
SELECT better_auth.fail_fetch(:'id', repeat('ä', 2000)) IS NOT NULL AS again;
SELECT length(last_error) FROM better_auth.fetch_outbox;
SET better_auth.fetch_max_attempts = 3;
SELECT better_auth.fail_fetch(:'id', 'x') IS NULL AS given_up;
UPDATE better_auth.fetch_outbox SET available_at = now() - interval '1 second';
SELECT count(*) FROM better_auth.claim_fetch();
RESET better_auth.fetch_max_attempts;
UPDATE better_auth.fetch_outbox SET expires_at = now() - interval '1 second';
SELECT count(*) FROM better_auth.claim_fetch();
SELECT count(*) FROM better_auth.fetch_outbox;
SELECT * FROM better_auth.claim_fetch(0);
\echo :SQLSTATE
SELECT * FROM better_auth.claim_fetch(1001);
SELECT * FROM better_auth.claim_fetch(NULL);
SET better_auth.fetch_expires_in = '1h';
SELECT length(better_auth.enqueue_fetch('https://hooks.example')) AS id;
SELECT expires_at - created_at AS lives FROM better_auth.fetch_outbox;
RESET better_auth.fetch_expires_in;
DELETE FROM better_auth.fetch_outbox;

-- Nobody may do any of it who wasn't granted it, and who was needs no right on the table.
CREATE ROLE regress_fetcher;
GRANT USAGE ON SCHEMA better_auth TO regress_fetcher;
SET ROLE regress_fetcher;
SELECT better_auth.enqueue_fetch('https://hooks.example');
SELECT count(*) FROM better_auth.claim_fetch();
SELECT better_auth.complete_fetch('x');
SELECT better_auth.fail_fetch('x', 'x');
SELECT count(*) FROM better_auth.fetch_outbox;
RESET ROLE;
GRANT EXECUTE ON FUNCTION better_auth.enqueue_fetch, better_auth.claim_fetch, better_auth.complete_fetch, better_auth.fail_fetch TO regress_fetcher;
SET ROLE regress_fetcher;
SELECT length(better_auth.enqueue_fetch('https://hooks.example')) AS id;
SELECT id FROM better_auth.claim_fetch() \gset
SELECT better_auth.fail_fetch(:'id', 'no') IS NOT NULL AS again, better_auth.complete_fetch(:'id') AS made;
SELECT count(*) FROM better_auth.fetch_outbox;
RESET ROLE;

-- A trigger on Better Auth's table runs as the table's owner; the request is gone where the row is.
CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM better_auth.enqueue_fetch('https://hooks.example/users', jsonb_build_object('type', 'user.created', 'email', NEW.email));
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON better_auth."user" FOR EACH ROW EXECUTE FUNCTION public.tell();
BEGIN;
SELECT better_auth.sign_up_email('lost@example.com', 'password1234', 'Lost') ->> 'token' IS NOT NULL AS signed_up;
ROLLBACK;
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' IS NOT NULL AS signed_up;
SELECT url, body FROM better_auth.fetch_outbox;
DROP TRIGGER tell ON better_auth."user";
DROP FUNCTION public.tell();
DROP OWNED BY regress_fetcher;
DROP ROLE regress_fetcher;
DELETE FROM better_auth.fetch_outbox;
DELETE FROM better_auth."user";
