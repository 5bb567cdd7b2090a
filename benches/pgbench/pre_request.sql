\set session random(1, 5000)
BEGIN;
SELECT set_config('role', 'better_auth_bench_user', true), set_config('request.jwt.claims', '{"sub":"' || lpad(:session::text, 32, 'U') || '","role":"better_auth_bench_user","sid":"' || lpad(:session::text, 32, 'S') || '"}', true);
SELECT bench_api.pre_request();
SELECT 1;
COMMIT;
