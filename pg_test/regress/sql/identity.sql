-- requesting_user_id() and claims(): never an error, whatever the setting holds.
SHOW request.jwt.claims;
SELECT requesting_user_id() IS NULL AS missing, better_auth.claims() IS NULL AS no_claims;
CREATE TEMP TABLE claims (n serial, claims text);
INSERT INTO claims (claims) VALUES
    ('{"sub": "u1", "role": "authenticated"}'), ('{"role": "authenticated", "sub": "ü😀 \"x\""}'),
    (''), (' '), ('{'), ('null'), ('[]'), ('"u1"'), ('{"sub": ""}'), ('{"sub": null}'), ('{"sub": 1}'),
    ('{"sub": ["u1"]}'), ('{"sub": {"sub": "u1"}}'), ('{"sub": "a\u0000b"}'), ('{"sub": "\ud800"}'),
    ('{"sub": 1.50}'), ('{"sub": 1e3}'), ('{"sub": -0}'), ('{"sub": 12345678901234567890}'), ('{"sub": true}'),
    ('{"SUB": "u1"}'), ('{"sub": "u1"} x'), (repeat('[', 100000)), ('{"sub": "u2"}');
\pset format unaligned
SELECT c.n, left(c.claims, 40) AS claims, requesting_user_id(), better_auth.claims()
FROM claims c, LATERAL (SELECT set_config('request.jwt.claims', c.claims, false)) s
ORDER BY c.n;
\pset format aligned

-- Local to the transaction, as PostgREST sets it; '' after it.
BEGIN;
SELECT set_config('request.jwt.claims', '{"sub": "u3"}', true);
SELECT requesting_user_id();
SAVEPOINT s;
SET LOCAL request.jwt.claims = '{"sub": "u4"}';
SELECT requesting_user_id();
ROLLBACK TO s;
SELECT requesting_user_id();
COMMIT;
SELECT requesting_user_id();
RESET request.jwt.claims;
SELECT requesting_user_id() IS NULL AS missing;

-- A value that is still held when the setting changes stays what it was.
SELECT a, b, c FROM (
    SELECT requesting_user_id() AS a, set_config('request.jwt.claims', '{"sub": "first"}', false) AS s1,
           requesting_user_id() AS b, set_config('request.jwt.claims', '{"sub": "second, and longer than the first"}', false) AS s2,
           requesting_user_id() AS c OFFSET 0) q;

-- One place keeps some of its answers, and sees many users and long ids: in a statement whose rows are of different users,
-- which holds them all, and in PL/pgSQL's expressions, which outlive a statement.
SELECT bool_and(me IS NOT DISTINCT FROM nullif(id, '')) AS alike, count(me), count(DISTINCT me) FROM (
    SELECT id, requesting_user_id() AS me FROM (
        SELECT id, set_config('request.jwt.claims', json_build_object('sub', id)::text, false) FROM (
            SELECT CASE WHEN i % 7 = 0 THEN '' WHEN i % 5 = 0 THEN repeat('long' || i, 2000) ELSE 'user' || i / 2 END AS id
            FROM generate_series(1, 300) i) ids OFFSET 0) q OFFSET 0) r;
DO $$
DECLARE
    ids text[];
    id text;
BEGIN
    FOR i IN 1..100 LOOP
        id := CASE WHEN i % 5 = 0 THEN repeat('long' || i, 2000) ELSE 'user' || i / 3 END;
        PERFORM set_config('request.jwt.claims', json_build_object('sub', id)::text, i % 2 = 0);
        ids := ids || requesting_user_id();
        IF requesting_user_id() <> id OR ids[i] <> id THEN RAISE EXCEPTION '% for %', left(ids[i], 20), left(id, 20); END IF;
        IF i % 10 = 0 THEN COMMIT; END IF;
    END LOOP;
    RAISE NOTICE '%', (SELECT array_agg(DISTINCT left(u, 7) ORDER BY left(u, 7)) FROM unnest(ids[1:12]) u);
END $$;

-- In PL/pgSQL, defaults, checks, indexes and parallel plans.
DO $$ BEGIN PERFORM set_config('request.jwt.claims', '{"sub": "u5"}', false); RAISE NOTICE '%', requesting_user_id(); END $$;
CREATE TABLE identity_notes (user_id text DEFAULT requesting_user_id() CHECK (user_id = requesting_user_id()));
INSERT INTO identity_notes DEFAULT VALUES RETURNING user_id;
INSERT INTO identity_notes VALUES ('u1');
INSERT INTO identity_notes SELECT 'u5' FROM generate_series(1, 20000);
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT count(*) FROM identity_notes WHERE user_id = requesting_user_id();
RESET ALL;
DROP TABLE identity_notes;
