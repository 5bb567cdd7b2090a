ALTER ROLE better_auth_bench_others CONNECTION LIMIT -1;
