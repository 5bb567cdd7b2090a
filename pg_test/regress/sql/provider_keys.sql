-- The keys by which id tokens are verified, as a superuser sets them: those of RFC 8037 and RFC 7520.
\set ed '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "ed"}'
\set ec '{"kty": "EC", "crv": "P-521", "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt", "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}'
\set private '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}'
SELECT better_auth.set_provider_keys('https://issuer.example', jsonb_build_object('keys', ARRAY[:'ed', :'ec']::jsonb[]));
SELECT id, jsonb_pretty(jwks) AS jwks, fetched_at > now() - interval '1 minute' AS now, tried_at FROM better_auth.provider_key;
-- Others take their place, and NULL forgets them.
SELECT better_auth.set_provider_keys(issuer => 'https://issuer.example', jwks => jsonb_build_object('keys', ARRAY[:'ed']::jsonb[], 'more', 1));
SELECT id, jwks #>> '{keys,0,kid}' AS kid, jsonb_array_length(jwks -> 'keys') AS keys, jwks ? 'more' AS more FROM better_auth.provider_key;
SELECT better_auth.set_provider_keys('https://issuer.example', NULL);
SELECT count(*) FROM better_auth.provider_key;

-- What is no set of public keys is refused; no message has a key in it.
SELECT better_auth.set_provider_keys(NULL, '{"keys": []}');
\echo :SQLSTATE
SELECT better_auth.set_provider_keys('', '{"keys": []}');
SELECT better_auth.set_provider_keys(repeat('x', 1025), '{"keys": []}');
SELECT better_auth.set_provider_keys('x', 'null');
SELECT better_auth.set_provider_keys('x', '[]');
SELECT better_auth.set_provider_keys('x', :'ed');
SELECT better_auth.set_provider_keys('x', '{"keys": {}}');
SELECT better_auth.set_provider_keys('x', '{"keys": ["x"]}');
SELECT better_auth.set_provider_keys('x', '{"keys": []}');
\echo :SQLSTATE
SELECT better_auth.set_provider_keys('x', '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}');
SELECT better_auth.set_provider_keys('x', jsonb_build_object('keys', ARRAY[:'ed', :'private']::jsonb[]));
\echo :SQLSTATE
SELECT better_auth.set_provider_keys('x', jsonb_build_object('keys', ARRAY[:'ed'::jsonb || '{"use": "enc"}']));
SELECT better_auth.set_provider_keys('x', jsonb_build_object('keys', ARRAY[:'ed'::jsonb || '{"alg": "RS256"}']));
SELECT better_auth.set_provider_keys('x', jsonb_build_object('keys', ARRAY[:'ed'::jsonb || '{"x": "AA"}']));
SELECT better_auth.set_provider_keys('x', jsonb_build_object('keys', ARRAY[jsonb_build_object('kty', 'RSA', 'e', 'AQAB', 'n', repeat('_', 171))]));
SELECT better_auth.set_provider_keys('x', jsonb_build_object('keys', (SELECT jsonb_agg(:'ed'::jsonb) FROM generate_series(1, 101))));
SELECT better_auth.set_provider_keys('x', jsonb_build_object('keys', ARRAY[:'ed'::jsonb || jsonb_build_object('x5c', repeat('x', 65536))]));
SELECT count(*) FROM better_auth.provider_key;

-- Only a superuser, whoever may execute it; and nobody else sees the table.
CREATE ROLE regress_keys;
GRANT USAGE ON SCHEMA better_auth TO regress_keys;
SET ROLE regress_keys;
SELECT better_auth.set_provider_keys('x', '{"keys": []}');
\echo :SQLSTATE
SELECT count(*) FROM better_auth.provider_key;
RESET ROLE;
GRANT EXECUTE ON FUNCTION better_auth.set_provider_keys TO regress_keys;
SET ROLE regress_keys;
SELECT better_auth.set_provider_keys('x', '{"keys": []}');
\echo :SQLSTATE
SELECT better_auth.set_provider_keys('x', NULL);
RESET ROLE;
DROP OWNED BY regress_keys;
DROP ROLE regress_keys;
