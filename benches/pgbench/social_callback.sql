\set n random(1, 1000)
SELECT better_auth.handler(bench.begin()) AS begun \gset
SELECT better_auth.handler(bench.back(:begun::jsonb)) ->> 'resume' AS resume \gset
SELECT bench.expect(better_auth.resume(:resume, bench.tokens(:n)), 302)
