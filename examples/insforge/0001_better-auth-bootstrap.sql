-- Takes the place of the InsForge scaffold's migration of this name. The extension brings schema better_auth with
-- Better Auth's tables, and public.requesting_user_id(). What is there already it adopts: users, sessions, policies.
--
-- Runs as InsForge runs migrations, and with psql; also a second time. No secret belongs in here, since InsForge
-- keeps the text of migrations: setup.mjs sets them.

-- Where InsForge's migrations have made the schema, it belongs to project_admin, who could then replace the secrets.
DO $$
DECLARE
    other CONSTANT text := (SELECT r.rolname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
                            WHERE n.nspname = 'better_auth' AND NOT r.rolsuper);
BEGIN
    IF other IS NULL THEN
        RETURN;
    END IF;
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION 'schema better_auth belongs to %, and % cannot change that: run setup.mjs first',
            other, current_user USING ERRCODE = 'insufficient_privilege';
    END IF;
    ALTER SCHEMA better_auth OWNER TO CURRENT_USER;
END
$$;

-- The scaffold has it too, for gen_random_uuid() in the application's tables.
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE EXTENSION IF NOT EXISTS better_auth;
