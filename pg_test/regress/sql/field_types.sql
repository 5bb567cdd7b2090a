-- Additional fields of each type: what is taken, what is refused, and how it is shown.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
CREATE TYPE public.regress_mood AS ENUM ('happy', 'sad');
CREATE DOMAIN public.regress_code AS text CHECK (VALUE ~ '^[A-Z]+$');
ALTER TABLE better_auth."user" ADD t text, ADD v varchar(3), ADD c char(5), ADD i integer, ADD b bigint, ADD n numeric(10, 2), ADD f boolean, ADD tz timestamptz, ADD ts timestamp, ADD d date,
    ADD jb jsonb, ADD j json, ADD u uuid, ADD a text[], ADD e public.regress_mood, ADD k public.regress_code, ADD bits bit(4);
CREATE FUNCTION pg_temp.put(token text, fields jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
    code text;
BEGIN
    PERFORM better_auth.update_user(token, additional_fields => fields);
    RETURN (SELECT jsonb_object_agg(key, better_auth.get_session(token) #> ARRAY['user', key]) FROM jsonb_object_keys(fields) key);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS wrong = MESSAGE_TEXT, code = RETURNED_SQLSTATE;
    RETURN jsonb_build_array(code, wrong);
END $$;
SET better_auth.user_additional_fields = 't, v, c, i, b, n, f, tz, ts, d, jb, j, u, a, e, k, bits';

SELECT pg_temp.put(:'ada', '{"t": "text", "v": "abc", "c": "abc"}');
SELECT c = 'abc' AS whole FROM better_auth."user";
SELECT pg_temp.put(:'ada', '{"v": "abcd"}');
SELECT pg_temp.put(:'ada', '{"c": "abcdef"}');
SELECT pg_temp.put(:'ada', '{"t": 1}');
SELECT pg_temp.put(:'ada', '{"t": ["x"]}');
SELECT pg_temp.put(:'ada', '{"i": -2147483648, "b": 9223372036854775807, "n": 12345678.90}');
SELECT i, b, n FROM better_auth."user";
SELECT pg_temp.put(:'ada', '{"i": 2147483648}');
SELECT pg_temp.put(:'ada', '{"i": 1.5}');
SELECT pg_temp.put(:'ada', '{"i": "1"}');
SELECT pg_temp.put(:'ada', '{"b": 9223372036854775808}');
SELECT pg_temp.put(:'ada', '{"n": 1.005}');
SELECT pg_temp.put(:'ada', '{"n": 1e40}');
SELECT pg_temp.put(:'ada', '{"f": true}');
SELECT pg_temp.put(:'ada', '{"f": "true"}');
SELECT pg_temp.put(:'ada', '{"f": 1}');
-- Times are shown as JavaScript shows dates, in UTC, whatever the session's settings.
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SELECT pg_temp.put(:'ada', '{"tz": "2026-11-23T08:55:25.333Z", "ts": "2026-11-23T08:55:25.333Z"}');
SELECT ts FROM better_auth."user";
SELECT pg_temp.put(:'ada', '{"d": "2026-11-23"}');
SELECT pg_temp.put(:'ada', '{"d": "2026-02-30"}');
SELECT pg_temp.put(:'ada', '{"tz": "soon"}');
SELECT pg_temp.put(:'ada', '{"tz": 0}');
RESET timezone;
RESET datestyle;
SELECT pg_temp.put(:'ada', '{"jb": {"a": [1, "x", null]}, "j": {"b": 1, "a": "ü"}}');
SELECT pg_temp.put(:'ada', '{"jb": "text", "j": 1}');
SELECT pg_temp.put(:'ada', '{"jb": null, "j": [true]}');
SELECT jb IS NULL AS jb, j FROM better_auth."user";
SELECT pg_temp.put(:'ada', '{"u": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}');
SELECT pg_temp.put(:'ada', '{"u": "nope"}');
SELECT pg_temp.put(:'ada', '{"a": "{x,\"y z\"}"}');
SELECT pg_temp.put(:'ada', '{"a": ["x"]}');
SELECT pg_temp.put(:'ada', '{"e": "happy", "k": "ABC"}');
SELECT pg_temp.put(:'ada', '{"e": "angry"}');
SELECT pg_temp.put(:'ada', '{"k": "abc"}');
SELECT pg_temp.put(:'ada', '{"bits": "1010"}');
-- All or nothing.
SELECT pg_temp.put(:'ada', '{"t": "changed", "f": "no", "i": "no"}');
SELECT t FROM better_auth."user";
SELECT pg_temp.put(:'ada', '{"t": null, "v": null, "c": null, "i": null, "b": null, "n": null, "f": null, "tz": null, "ts": null, "d": null, "jb": null, "j": null, "u": null, "a": null, "e": null, "k": null, "bits": null}');
-- At sign-up too.
SELECT (better_auth.sign_up_email('all@example.com', 'password1234', 'All', additional_fields => '{"t": "t", "v": "v", "c": "c", "i": 1, "b": 2, "n": 3.5, "f": false, "tz": "2026-11-23T08:55:25.333Z", "ts": "2026-11-23T08:55:25.333Z",
    "jb": {}, "j": [], "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a": "{}", "e": "sad", "k": "K"}') -> 'user') - '{id,createdAt,updatedAt}'::text[] AS "user";
RESET better_auth.user_additional_fields;
ALTER TABLE better_auth."user" DROP t, DROP v, DROP c, DROP i, DROP b, DROP n, DROP f, DROP tz, DROP ts, DROP d, DROP jb, DROP j, DROP u, DROP a, DROP e, DROP k, DROP bits;
DROP TYPE public.regress_mood;
DROP DOMAIN public.regress_code;
DELETE FROM better_auth."user";
