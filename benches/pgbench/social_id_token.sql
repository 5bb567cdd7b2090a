\set n random(1, 1000)
SELECT bench.expect(better_auth.handler(bench.by_token(:n)), 200)
