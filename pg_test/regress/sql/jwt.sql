-- The signer and the verifier.
CREATE FUNCTION pg_temp.part(token text, n int) RETURNS text LANGUAGE sql AS $$
    SELECT convert_from(decode(rpad(translate(split_part(token, '.', n), '-_', '+/'),
        (length(split_part(token, '.', n)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')
$$;
SELECT pg_temp.part(better_auth.sign_jwt('{"sub": "u1", "exp": 4102444800, "iat": 1, "aud": "insforge-api", "deep": {"exp": 1.5}, "q": "a, \"b\": c"}'), 2);
SELECT better_auth.verify_jwt(better_auth.sign_jwt('{"sub": "u1"}')) - 'iat' - 'exp' AS claims;
-- Whatever jsonb holds arrives as it was: numbers of every size, nesting, escapes, more than 32 members.
CREATE TEMP TABLE claims (n serial, c jsonb);
INSERT INTO claims (c) VALUES
    ('{"n": [0, -0, 1, -1, 9999, 10000, -10000, 9999999999999999, 10000000000000000, -12345678901234567890, 1e20, 1.50, -0.001, 1e-20]}'),
    ('{"exp": 4102444800, "iat": 0, "nbf": -1}'),
    ('{"": {"": [[], {}, [[[null]]], true, false]}, "é😀": "\\ \" \b\f\n\r\t\u0001 / é😀"}'),
    ((SELECT jsonb_object_agg('key' || g, repeat('v', g)) FROM generate_series(1, 300) g)),
    ((SELECT jsonb_build_object('a', jsonb_agg(g * 1000)) FROM generate_series(1, 1000) g)),
    ((SELECT jsonb_build_object('deep', (repeat('[', 120) || repeat(']', 120))::jsonb)));
SELECT n, better_auth.verify_jwt(better_auth.sign_jwt(c)) @> c AND c <@ better_auth.verify_jwt(better_auth.sign_jwt(c)) AS arrives
FROM claims ORDER BY n;
SELECT pg_temp.part(better_auth.sign_jwt('{"n": [0, -0, 1, -1, 9999, 10000, -10000, 9999999999999999, 10000000000000000, 1.50], "aud": "insforge-api", "exp": 4102444800, "iat": 0}'), 2);
SELECT better_auth.sign_jwt(jsonb_build_object('deep', (repeat('[', 1000) || repeat(']', 1000))::jsonb)) IS NOT NULL AS deep;
SELECT (c -> 'exp')::int - (c -> 'iat')::int AS lifetime FROM better_auth.verify_jwt(better_auth.sign_jwt('{}', '90 seconds')) c;
SELECT better_auth.sign_jwt(NULL);
SELECT better_auth.verify_jwt(NULL);
\echo :SQLSTATE

-- What no verifier would take is not signed.
SELECT better_auth.sign_jwt('[]');
\echo :SQLSTATE
SELECT better_auth.sign_jwt('"text"');
SELECT better_auth.sign_jwt('{"exp": 4102444800.5}');
SELECT better_auth.sign_jwt('{"exp": "4102444800"}');
SELECT better_auth.sign_jwt('{"nbf": null}');
SELECT better_auth.sign_jwt('{"iat": 1e30}');
SELECT better_auth.sign_jwt('{"exp": 4102444800}', '1 hour');
SELECT better_auth.sign_jwt('{}', '-1 second');
SELECT better_auth.sign_jwt('{}', '0');

-- Each refusal has its own message.
SELECT better_auth.sign_jwt('{"sub": "u1", "exp": 4102444800}') AS jwt \gset
SELECT split_part(:'jwt', '.', 1) AS h, split_part(:'jwt', '.', 2) AS p, split_part(:'jwt', '.', 3) AS s \gset
SELECT better_auth.verify_jwt(:'jwt') ->> 'sub' AS sub;
SELECT better_auth.verify_jwt('');
\echo :SQLSTATE
SELECT better_auth.verify_jwt(:'h' || '.' || :'p');
SELECT better_auth.verify_jwt(:'jwt' || '.x');
SELECT better_auth.verify_jwt('é.' || :'p' || '.' || :'s');
SELECT better_auth.verify_jwt(:'h' || '.*.' || :'s');
SELECT better_auth.verify_jwt(:'h' || '.' || :'p' || '.' || :'s' || '=');
SELECT better_auth.verify_jwt('e30.' || :'p' || '.' || :'s');
SELECT better_auth.verify_jwt('W10.' || :'p' || '.' || :'s');
SELECT better_auth.verify_jwt(translate(encode('{"alg":"none"}', 'base64'), '=', '') || '.' || :'p' || '.');
SELECT better_auth.verify_jwt(:'h' || '.' || :'p' || '.' || repeat('A', 43));
SELECT better_auth.verify_jwt(:'h' || '.' || :'p' || '.');
SELECT better_auth.verify_jwt(:'h' || '.' || translate(encode('{"sub":"u2","exp":4102444800}', 'base64'), E'=\n', '') || '.' || :'s');
SELECT better_auth.verify_jwt(better_auth.sign_jwt('{"exp": 1}'));
\echo :SQLSTATE
SELECT better_auth.verify_jwt(better_auth.sign_jwt('{"nbf": 4102444800}'));
SELECT better_auth.verify_jwt(better_auth.sign_jwt('{"iat": 4102444800}'));
SELECT better_auth.verify_jwt(better_auth.sign_jwt('{"aud": "other"}'));
SELECT better_auth.verify_jwt(better_auth.sign_jwt('{"aud": ["other", "insforge-api"]}')) -> 'aud' AS aud;
SELECT better_auth.verify_jwt(repeat('x', 100000));
-- Clocks may differ by 30 seconds.
SELECT better_auth.verify_jwt(better_auth.sign_jwt(jsonb_build_object('iat', extract(epoch FROM now())::bigint + 20))) ? 'iat' AS taken;
