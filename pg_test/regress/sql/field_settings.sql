-- The setting of additional fields changes, and so do the columns, while statements are prepared.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS ada \gset
ALTER TABLE better_auth."user" ADD nickname text DEFAULT 'ace', ADD age integer DEFAULT 36;
CREATE FUNCTION pg_temp.fields(token text) RETURNS jsonb LANGUAGE sql AS $$ SELECT (better_auth.get_session(token) -> 'user') - '{id,name,email,emailVerified,image,createdAt,updatedAt}'::text[] $$;
SELECT pg_temp.fields(:'ada');
SET better_auth.user_additional_fields = 'nickname';
SELECT pg_temp.fields(:'ada');
SET better_auth.user_additional_fields = 'nickname, age';
SELECT pg_temp.fields(:'ada');

-- Back with the transaction, and with a savepoint.
BEGIN;
SET LOCAL better_auth.user_additional_fields = 'age';
SELECT pg_temp.fields(:'ada');
SAVEPOINT s;
SET LOCAL better_auth.user_additional_fields = '';
SELECT pg_temp.fields(:'ada');
ROLLBACK TO s;
SELECT pg_temp.fields(:'ada');
COMMIT;
SELECT pg_temp.fields(:'ada');
BEGIN;
SET better_auth.user_additional_fields = 'age';
SELECT pg_temp.fields(:'ada');
ROLLBACK;
SELECT pg_temp.fields(:'ada');
-- A function's own setting lasts as long as it runs.
CREATE FUNCTION pg_temp.only_age(token text) RETURNS jsonb LANGUAGE plpgsql SET better_auth.user_additional_fields = 'age' AS $$ BEGIN RETURN pg_temp.fields(token); END $$;
SELECT pg_temp.only_age(:'ada');
SELECT pg_temp.fields(:'ada');

-- Another type, another name, gone, and back with the transaction.
BEGIN;
ALTER TABLE better_auth."user" ALTER age TYPE text;
SELECT pg_temp.fields(:'ada');
SELECT better_auth.update_user(:'ada', additional_fields => '{"age": "thirty-six"}');
SELECT pg_temp.fields(:'ada');
ROLLBACK;
SELECT pg_temp.fields(:'ada');
BEGIN;
ALTER TABLE better_auth."user" RENAME age TO years;
SAVEPOINT s;
SELECT pg_temp.fields(:'ada');
ROLLBACK TO s;
SET LOCAL better_auth.user_additional_fields = 'years';
SELECT pg_temp.fields(:'ada');
ROLLBACK;
SELECT pg_temp.fields(:'ada');
SELECT better_auth.update_user(:'ada', additional_fields => '{"age": 37}');
ALTER TABLE better_auth."user" DROP age;
SELECT pg_temp.fields(:'ada');
\echo :SQLSTATE
SET better_auth.user_additional_fields = 'nickname';
SELECT pg_temp.fields(:'ada');
-- Twice is once.
SET better_auth.user_additional_fields = 'nickname, nickname';
SELECT better_auth.update_user(:'ada', additional_fields => '{"nickname": "twice"}');
SELECT pg_temp.fields(:'ada');
RESET better_auth.user_additional_fields;
ALTER TABLE better_auth."user" DROP nickname;
SELECT pg_temp.fields(:'ada');
DELETE FROM better_auth."user";
