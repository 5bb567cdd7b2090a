-- The start of the install script.

DO $$
DECLARE
    schema_owner pg_catalog.name;
BEGIN
    -- Passwords are normalised as Unicode text, and ids and emails compared as such.
    IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'better_auth needs a database with encoding UTF8; this one has %',
            pg_catalog.current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Make one: CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0;';
    END IF;

    -- Whoever owns the schema can drop what is in it, and put something else in its place: the secrets too.
    SELECT r.rolname INTO schema_owner
    FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
    WHERE n.nspname OPERATOR(pg_catalog.=) 'better_auth' AND NOT r.rolsuper;
    IF FOUND THEN
        RAISE EXCEPTION 'schema better_auth belongs to %, who is not a superuser', schema_owner
            USING ERRCODE = 'insufficient_privilege',
                  HINT = pg_catalog.format(
                      'Its owner could replace the secrets. A Better Auth server needs no more than this: ALTER SCHEMA better_auth OWNER TO %I; GRANT USAGE, CREATE ON SCHEMA better_auth TO %I;',
                      CURRENT_USER, schema_owner);
    END IF;
END
$$;
