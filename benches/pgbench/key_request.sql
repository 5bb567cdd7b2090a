\set n random(1, 1000)
BEGIN;
SELECT set_config('role', 'better_auth_bench_anon', true), set_config('request.headers', '{"x-api-key":"' || md5('k' || :n) || md5('l' || :n) || '"}', true), set_config('request.jwt.claims', '{"role":"better_auth_bench_anon"}', true);
SELECT public.pre_request();
SELECT 1;
COMMIT;
