-- The start of the install script.

DO $$
BEGIN
    -- Passwords are normalised as Unicode text, and ids and emails compared as such.
    IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'better_auth needs a database with encoding UTF8; this one has %',
            pg_catalog.current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Make one: CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0;';
    END IF;
END
$$;
