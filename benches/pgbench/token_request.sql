\set n random(1, 1000)
BEGIN;
SELECT set_config('role', 'better_auth_bench_user', true), set_config('request.headers', '{}', true), set_config('request.jwt.claims', '{"sub":"' || lpad(:n::text, 32, 'U') || '","role":"better_auth_bench_user","sid":"' || lpad(:n::text, 32, 'S') || '"}', true);
SELECT public.pre_request();
SELECT 1;
COMMIT;
