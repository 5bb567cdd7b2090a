\set SHOW_CONTEXT never
-- Functions that are called before migrate() say so.
BEGIN;
SET LOCAL row_security = off;
DROP EXTENSION better_auth;
ALTER SCHEMA better_auth RENAME TO better_auth_aside;
CREATE EXTENSION better_auth;
SAVEPOINT s;
SELECT better_auth.sign_in_email('ada@example.com', 'password1234');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada');
ROLLBACK TO s;
SELECT better_auth.get_session('x');
ROLLBACK TO s;
SELECT better_auth.sign_jwt('{}');
ROLLBACK TO s;
SELECT better_auth.rotate_secret('jwt');
ROLLBACK TO s;
SELECT * FROM better_auth.migrate();
SELECT requesting_user_id() IS NULL AS works;
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' IS NOT NULL AS signed_up;
ROLLBACK;

-- What can't be adopted is refused with the reason, and nothing is left behind.
BEGIN;
DROP EXTENSION better_auth;
ALTER SCHEMA better_auth RENAME TO better_auth_aside;
CREATE SCHEMA better_auth;
CREATE TABLE better_auth."user" (id numeric PRIMARY KEY);
SAVEPOINT s;
CREATE EXTENSION better_auth;
\echo :SQLSTATE
ROLLBACK TO s;
DROP TABLE better_auth."user";
CREATE VIEW better_auth."user" AS SELECT 1 AS id;
CREATE EXTENSION better_auth;
ROLLBACK;
BEGIN;
DROP EXTENSION better_auth;
CREATE FUNCTION public.requesting_user_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
CREATE EXTENSION better_auth;
ROLLBACK;
