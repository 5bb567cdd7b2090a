-- Columns that a team or a plugin added to user: carried where the setting lists them, and never otherwise.
SELECT better_auth.hash_password('x') IS NOT NULL AS loaded;
ALTER TABLE better_auth."user" ADD nickname text, ADD plan text NOT NULL DEFAULT 'free', ADD team text, ADD "Ünïcode ""quoted"" 'name' \back" text, ADD role text DEFAULT 'user', ADD "isAdmin" boolean DEFAULT false,
    ADD aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg text;
CREATE VIEW pg_temp.users AS SELECT name, nickname, plan, team, role, "isAdmin" FROM better_auth."user" ORDER BY name;
CREATE FUNCTION pg_temp.fields(answer jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT (answer -> 'user') - '{id,name,email,emailVerified,image,createdAt,updatedAt}'::text[] $$;

-- Not listed: passed over, not shown.
SELECT better_auth.sign_up_email('a@example.com', 'password1234', 'A', additional_fields => '{"nickname": "ace", "plan": "gold", "role": "admin"}') AS answer \gset
SELECT pg_temp.fields(:'answer');
SELECT * FROM pg_temp.users;

-- Listed: written and shown, at sign-up, sign-in and get-session. A default fills what is left out.
SET better_auth.user_additional_fields = 'nickname,plan , team:readonly';
SELECT pg_temp.fields(better_auth.sign_up_email('b@example.com', 'password1234', 'B', additional_fields => '{"nickname": "bee", "other": 1}'));
SELECT better_auth.sign_in_email('b@example.com', 'password1234') AS answer \gset
SELECT pg_temp.fields(:'answer');
SELECT :'answer'::jsonb ->> 'token' AS b \gset
SELECT pg_temp.fields(better_auth.get_session(:'b'));
SELECT better_auth.update_user(:'b', additional_fields => '{"nickname": null, "plan": "gold"}');
SELECT pg_temp.fields(better_auth.get_session(:'b'));
SELECT pg_temp.fields(better_auth.sign_up_email('c@example.com', 'password1234', 'C', additional_fields => '{"plan": "silver", "nickname": ""}'));

-- Only shown. JavaScript's false values are passed over, as by Better Auth.
SELECT better_auth.sign_up_email('d@example.com', 'password1234', 'D', additional_fields => '{"team": "red"}');
\echo :SQLSTATE
SELECT better_auth.update_user(:'b', additional_fields => '{"team": "red"}');
SELECT better_auth.update_user(:'b', 'B2', additional_fields => '{"team": ""}');
SELECT better_auth.update_user(:'b', 'B2', additional_fields => '{"team": null}');
SELECT * FROM pg_temp.users;

-- What gives power is never set from outside, however it is written.
ALTER TABLE better_auth."user" ADD is_admin boolean, ADD "ROLES" text, ADD banned boolean DEFAULT false, ADD "twoFactorEnabled" boolean, ADD "Is_Super_User" boolean;
SET better_auth.user_additional_fields = 'role, isAdmin, is_admin, ROLES, banned, twoFactorEnabled, Is_Super_User';
SELECT better_auth.update_user(:'b', additional_fields => '{"role": "admin"}');
\echo :SQLSTATE
SELECT better_auth.update_user(:'b', additional_fields => '{"isAdmin": true}');
SELECT better_auth.update_user(:'b', additional_fields => '{"is_admin": true}');
SELECT better_auth.update_user(:'b', additional_fields => '{"ROLES": ["admin"]}');
SELECT better_auth.update_user(:'b', additional_fields => '{"banned": 1}');
SELECT better_auth.update_user(:'b', additional_fields => '{"Is_Super_User": {}}');
SELECT better_auth.update_user(:'b', additional_fields => '{"twoFactorEnabled": false}');
SELECT better_auth.sign_up_email('d@example.com', 'password1234', 'D', additional_fields => '{"role": "admin"}');
SELECT pg_temp.fields(better_auth.get_session(:'b'));
ALTER TABLE better_auth."user" DROP is_admin, DROP "ROLES", DROP banned, DROP "twoFactorEnabled", DROP "Is_Super_User";

-- Any name, but for commas and colons.
SET better_auth.user_additional_fields = E'Ünïcode "quoted" ''name'' \\back, aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg';
SELECT better_auth.update_user(:'b', additional_fields => '{"Ünïcode \"quoted\" ''name'' \\back": "x''y\\z", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg": "long"}');
SELECT pg_temp.fields(better_auth.get_session(:'b'));

-- What has to be given.
ALTER TABLE better_auth."user" ADD age integer;
UPDATE better_auth."user" SET age = 36;
ALTER TABLE better_auth."user" ALTER age SET NOT NULL;
SET better_auth.user_additional_fields = 'age, nickname';
SELECT better_auth.sign_up_email('d@example.com', 'password1234', 'D', additional_fields => '{"nickname": "dee"}');
\echo :SQLSTATE
SELECT pg_temp.fields(better_auth.sign_up_email('d@example.com', 'password1234', 'D', additional_fields => '{"age": 0}'));
SELECT better_auth.update_user(:'b', additional_fields => '{"nickname": "still"}');
-- Of what requests may not set PostgreSQL needs a value: a neutral one.
SET better_auth.user_additional_fields = 'age:readonly';
SELECT pg_temp.fields(better_auth.sign_up_email('e@example.com', 'password1234', 'E'));
SELECT better_auth.update_user(:'b', additional_fields => '{"age": 1}');
SET better_auth.user_additional_fields = 'age';
SELECT better_auth.update_user(:'b', additional_fields => '{"age": null}');
\echo :SQLSTATE
ALTER TABLE better_auth."user" ADD CHECK (age < 150);
SELECT better_auth.update_user(:'b', additional_fields => '{"age": 150}');
\echo :SQLSTATE
SELECT better_auth.sign_up_email('f@example.com', 'password1234', 'F', additional_fields => '{"age": 150}');
SELECT name, age FROM better_auth."user" ORDER BY name;

-- The setting itself.
SET better_auth.user_additional_fields = 'age, nowhere';
SELECT better_auth.get_session(:'b');
\echo :SQLSTATE
SET better_auth.user_additional_fields = 'email';
SELECT better_auth.sign_in_email('b@example.com', 'password1234');
SET better_auth.user_additional_fields = 'emailVerified:readonly';
SELECT better_auth.sign_in_email('b@example.com', 'password1234');
SET better_auth.user_additional_fields = 'id';
SELECT better_auth.sign_in_email('b@example.com', 'password1234');
SET better_auth.user_additional_fields = 'AGE';
SELECT better_auth.sign_in_email('b@example.com', 'password1234');
SET better_auth.user_additional_fields = ' , ,';
SELECT pg_temp.fields(better_auth.get_session(:'b'));
RESET better_auth.user_additional_fields;
DROP VIEW pg_temp.users;
ALTER TABLE better_auth."user" DROP nickname, DROP plan, DROP team, DROP "Ünïcode ""quoted"" 'name' \back", DROP role, DROP "isAdmin", DROP age, DROP aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg;
DELETE FROM better_auth."user";
