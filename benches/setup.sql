-- What the benchmarks read: sessions with known tokens, claims, and a large table with policies.

CREATE EXTENSION better_auth;
CREATE SCHEMA pgjwt;
CREATE EXTENSION pgcrypto SCHEMA pgjwt;
CREATE SCHEMA bench;

-- The peers sign with the same secrets.
SELECT better_auth.set_secret('jwt', 'a jwt secret of the benchmarks, 42 bytes..')\g /dev/null
SELECT better_auth.set_secret('cookie', 'a cookie secret of the benchmarks, 45 bytes..')\g /dev/null

-- Better Auth's own limiter is off outside production, and the peers' are off: 100 requests in ten seconds
-- would be all that there is to measure. LOAD makes the settings known.
LOAD 'better_auth';
ALTER DATABASE :"DBNAME" SET better_auth.rate_limit = off;
ALTER DATABASE :"DBNAME" SET better_auth.base_url = 'http://127.0.0.1:3000';

-- Session i has the token lpad(i, 32, 'A'). Fresh ones: neither side prolongs them.
INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
SELECT lpad(i::text, 32, 'U'), 'User ' || i, 'user' || i || '@example.com', true, now(), now()
FROM generate_series(1, 5000) i;
INSERT INTO better_auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "ipAddress", "userAgent", "userId")
SELECT lpad(i::text, 32, 'S'), now() + '7 days', lpad(i::text, 32, 'A'), now(), now(), '127.0.0.1',
       'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
       lpad(i::text, 32, 'U')
FROM generate_series(1, 5000) i;
-- Who signs in.
SELECT better_auth.sign_up_email(email => 'ada@example.com', password => 'correct horse battery', name => 'Ada')\g /dev/null

-- One row: claims that are built already.
CREATE TABLE bench.claims AS
SELECT jsonb_build_object('sub', 'u1', 'role', 'authenticated', 'exp', exp) AS ours,
       json_build_object('sub', 'u1', 'role', 'authenticated', 'exp', exp) AS peers
FROM (SELECT extract(epoch FROM now())::bigint + 86400 AS exp) e;

CREATE TABLE bench.duration (round int, what text, took double precision);

-- Tokens to verify.
CREATE TABLE bench.token AS
SELECT better_auth.sign_jwt(jsonb_build_object('sub', i::text, 'role', 'authenticated'), '1 day') AS token
FROM generate_series(1, 20000) i;

-- One row in a thousand is the user's. Each role has its own policy on the same table.
CREATE TABLE bench.note (id int, user_id text, user_uuid uuid);
INSERT INTO bench.note
SELECT i, u::text, u FROM generate_series(1, 1000000) i, LATERAL (SELECT md5((i % 1000)::text)::uuid) v (u);
-- As `npx @insforge/cli` scaffolds it beside Better Auth, under another name.
CREATE FUNCTION bench.scaffold_user_id() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT NULLIF(current_setting('request.jwt.claims', true)::json->>'sub', '') $$;
-- As Supabase has it as auth.uid().
CREATE FUNCTION bench.uid() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                   (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
CREATE ROLE better_auth_bench_ours;
CREATE ROLE better_auth_bench_literal;
CREATE ROLE better_auth_bench_selected;
CREATE ROLE better_auth_bench_scaffold;
CREATE ROLE better_auth_bench_supabase;
CREATE ROLE better_auth_bench_neon;
GRANT USAGE ON SCHEMA bench TO PUBLIC;
GRANT SELECT ON bench.note TO PUBLIC;
ALTER TABLE bench.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY ours ON bench.note TO better_auth_bench_ours USING (user_id = public.requesting_user_id());
CREATE POLICY selected ON bench.note TO better_auth_bench_selected USING (user_id = (SELECT public.requesting_user_id()));
CREATE POLICY scaffold ON bench.note TO better_auth_bench_scaffold USING (user_id = bench.scaffold_user_id());
CREATE POLICY supabase ON bench.note TO better_auth_bench_supabase USING (user_uuid = bench.uid());
-- What is the same for all rows: the user of row 1, written out.
SELECT format('CREATE POLICY literal ON bench.note TO better_auth_bench_literal USING (user_id = %L)', user_id)
FROM bench.note WHERE id = 1 \gexec

-- What PostgREST calls.
CREATE ROLE better_auth_bench_anon;
CREATE ROLE better_auth_bench_user;
CREATE SCHEMA bench_api;
GRANT USAGE ON SCHEMA bench_api TO better_auth_bench_user;
SELECT better_auth.enable_rpc('bench_api', 'better_auth_bench_anon', 'better_auth_bench_user')\g /dev/null
