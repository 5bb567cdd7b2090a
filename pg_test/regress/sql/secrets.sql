-- The two secrets: set, rotate, verify.
SELECT better_auth.sign_jwt('{"sub": "u1"}', '1 day') AS old \gset
SELECT better_auth.rotate_secret('jwt', '1 hour');
SELECT name, count(*) FILTER (WHERE valid_until IS NULL) AS current,
       count(*) FILTER (WHERE valid_until > now() + interval '59 minutes') AS kept
FROM better_auth.signing_secret GROUP BY 1 ORDER BY 1;
-- What was signed before verifies until the time is over.
SELECT better_auth.verify_jwt(:'old') ->> 'sub' AS sub;
UPDATE better_auth.signing_secret SET valid_until = now() - interval '1 second' WHERE valid_until IS NOT NULL;
SELECT better_auth.verify_jwt(:'old');
-- The next rotation clears what has run out; without keep the old one ends at once.
SELECT better_auth.sign_jwt('{"sub": "u1"}', '1 day') AS old \gset
SELECT better_auth.rotate_secret('jwt', '0');
SELECT count(*) FROM better_auth.signing_secret WHERE name = 'jwt';
SELECT better_auth.verify_jwt(:'old');

-- A secret of one's own, the same as PostgREST's.
SELECT better_auth.set_secret('jwt', 'reallyreallyreallyreallyverysafe');
-- Signed with it elsewhere (Python's hmac).
SELECT better_auth.verify_jwt('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1MSIsImF1ZCI6Imluc2ZvcmdlLWFwaSIsImV4cCI6NDEwMjQ0NDgwMH0.Jk5Uta0FyrBGV4RsrcoSaiIyPn6WNJP09avco8ljtWQ') ->> 'sub' AS sub;
SELECT value FROM better_auth.signing_secret WHERE name = 'jwt' AND valid_until IS NULL;

-- Refusals; none repeats the secret.
SELECT better_auth.set_secret('jwt', 'only-thirty-one-bytes-long-abcd');
\echo :SQLSTATE
SELECT better_auth.set_secret('cookie', '');
SELECT better_auth.set_secret('other', 'reallyreallyreallyreallyverysafe');
SELECT better_auth.set_secret('jwt', 'reallyreallyreallyreallyverysafe', '-1 day');
SELECT better_auth.rotate_secret('nope');
SELECT better_auth.set_secret('jwt', NULL);
SELECT better_auth.rotate_secret(NULL);
SELECT better_auth.rotate_secret('jwt', NULL);

-- A rolled back rotation never was.
SELECT better_auth.sign_jwt('{"sub": "u1"}', '1 day') AS old \gset
BEGIN;
SELECT better_auth.rotate_secret('jwt', '0');
ROLLBACK;
SELECT better_auth.verify_jwt(:'old') ->> 'sub' AS sub;

-- Rows written by hand count like others, and a bad one is told.
BEGIN;
UPDATE better_auth.signing_secret SET value = 'short' WHERE name = 'jwt';
SELECT better_auth.sign_jwt('{}');
\echo :SQLSTATE
ROLLBACK;
BEGIN;
DELETE FROM better_auth.signing_secret WHERE name = 'jwt';
SELECT better_auth.sign_jwt('{}');
ROLLBACK;
SELECT better_auth.verify_jwt(:'old') ->> 'sub' AS sub;
