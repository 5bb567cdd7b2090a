-- Roles, extension, functions for PostgREST, and a first table. By psql, as superuser; AUTHENTICATOR_PASSWORD and
-- JWT_SECRET_FILE come from the environment.

\getenv password AUTHENTICATOR_PASSWORD
\getenv secret_file JWT_SECRET_FILE

-- Statements below hold secrets, and so do the requests later on.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';

CREATE ROLE anon NOLOGIN;
CREATE ROLE authenticated NOLOGIN;
CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD :'password';
GRANT anon, authenticated TO authenticator;
GRANT USAGE ON SCHEMA public TO anon, authenticated;
ALTER ROLE authenticator SET log_parameter_max_length = 0;
ALTER ROLE authenticator SET log_parameter_max_length_on_error = 0;
ALTER ROLE authenticator SET log_error_verbosity = terse;

CREATE EXTENSION better_auth;
SELECT better_auth.set_secret('jwt', rtrim(pg_read_file(:'secret_file'), E'\r\n')) \g /dev/null
SELECT better_auth.enable_rpc('public', 'anon', 'authenticated') \g /dev/null
ALTER SYSTEM SET better_auth.base_url = 'http://localhost:3000';
-- No worker sends mail here: see docs/mail.md.
ALTER SYSTEM SET better_auth.send_reset_password = off;
ALTER SYSTEM SET better_auth.send_verification_email = off;
SELECT pg_reload_conf() \g /dev/null

CREATE TABLE posts (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL DEFAULT requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE,
    title   text NOT NULL
);
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_posts ON posts TO authenticated
    USING (user_id = requesting_user_id()) WITH CHECK (user_id = requesting_user_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON posts TO authenticated;
