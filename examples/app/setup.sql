-- The demo app's part of a database: roles, the table, PostgREST's functions. As superuser; may be run again.
--   psql -d app -f setup.sql

\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Roles belong to the whole server, so some may be there already.
SELECT format('CREATE ROLE %I %s', name, attributes)
FROM (VALUES
    ('web', 'LOGIN'),                       -- the HTTP layer
    ('mailer', 'LOGIN'),                    -- the mail worker
    ('authenticator', 'LOGIN NOINHERIT'),   -- PostgREST, which switches to one of these:
    ('anon', 'NOLOGIN'),
    ('authenticated', 'NOLOGIN')
) AS wanted (name, attributes)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

BEGIN;

CREATE EXTENSION IF NOT EXISTS better_auth;

-- Organizations, passkeys and second factors: the plugins are switched on, for this session too, and get their tables.
LOAD 'better_auth';
SELECT set_config('better_auth.plugins', concat_ws(', ', nullif(current_setting('better_auth.plugins'), ''), plugin), false)
FROM unnest('{organization,passkey,two-factor}'::text[]) plugin
WHERE plugin <> ALL (regexp_split_to_array(current_setting('better_auth.plugins'), ',\s*'));
SELECT format('ALTER DATABASE %I SET better_auth.plugins = %L', current_database(), current_setting('better_auth.plugins'))
\gexec
SELECT better_auth.migrate();

-- Requests hold passwords: they stay out of the log, whatever is logged otherwise.
ALTER ROLE web SET log_parameter_max_length = 0;
ALTER ROLE web SET log_parameter_max_length_on_error = 0;
ALTER ROLE web SET statement_timeout = '10s';
ALTER ROLE authenticator SET log_parameter_max_length = 0;
ALTER ROLE authenticator SET log_parameter_max_length_on_error = 0;
ALTER ROLE authenticator SET log_error_verbosity = terse;

GRANT anon, authenticated TO authenticator;
GRANT USAGE ON SCHEMA public TO anon, authenticated;
GRANT USAGE ON SCHEMA better_auth TO web, mailer;
GRANT EXECUTE ON FUNCTION better_auth.handler, better_auth.resume TO web;
GRANT EXECUTE ON FUNCTION better_auth.claim_mail, better_auth.complete_mail, better_auth.fail_mail TO mailer;

-- With it comes pre_request(), which turns away the tokens of sessions that are gone.
SELECT better_auth.enable_rpc('public', 'anon', 'authenticated');

CREATE TABLE IF NOT EXISTS public.posts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    text NOT NULL DEFAULT requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE,
    title      text NOT NULL CHECK (title ~ '\S' AND length(title) <= 200),
    body       text NOT NULL DEFAULT '' CHECK (length(body) <= 10000),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS posts_user_id_idx ON public.posts (user_id, id);
ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_posts ON public.posts;
CREATE POLICY own_posts ON public.posts TO authenticated
    USING (user_id = requesting_user_id()) WITH CHECK (user_id = requesting_user_id());
GRANT SELECT, DELETE, INSERT (title, body), UPDATE (title, body) ON public.posts TO authenticated;

-- Notes of organizations. The policies read who is a member, and as what, from the tables: it is true this instant.
CREATE TABLE IF NOT EXISTS public.board (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id text NOT NULL DEFAULT requesting_organization_id() REFERENCES better_auth.organization (id) ON DELETE CASCADE,
    user_id         text DEFAULT requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE SET NULL,
    body            text NOT NULL CHECK (body ~ '\S' AND length(body) <= 2000),
    is_pinned       boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS board_organization_id_idx ON public.board (organization_id, is_pinned, id);
ALTER TABLE public.board ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS members_read ON public.board;
DROP POLICY IF EXISTS members_write ON public.board;
DROP POLICY IF EXISTS members_change ON public.board;
DROP POLICY IF EXISTS members_delete ON public.board;
CREATE POLICY members_read ON public.board FOR SELECT TO authenticated
    USING (organization_id IN (SELECT requesting_organization_ids()));
-- In the organization that the session is about. What stays on top is for those who may change the organization.
CREATE POLICY members_write ON public.board FOR INSERT TO authenticated
    WITH CHECK (organization_id = requesting_organization_id() AND user_id = requesting_user_id()
        AND (NOT is_pinned OR requesting_user_has_permission(organization_id, '{"organization": ["update"]}')));
CREATE POLICY members_change ON public.board FOR UPDATE TO authenticated
    USING (organization_id IN (SELECT requesting_organization_ids()))
    WITH CHECK (requesting_user_has_permission(organization_id, '{"organization": ["update"]}'));
CREATE POLICY members_delete ON public.board FOR DELETE TO authenticated
    USING (organization_id IN (SELECT requesting_organization_ids()) AND (user_id = requesting_user_id()
        OR string_to_array(requesting_organization_role(organization_id), ',') && ARRAY['owner', 'admin']));
GRANT SELECT, DELETE, INSERT (body, is_pinned), UPDATE (is_pinned) ON public.board TO authenticated;

COMMIT;

NOTIFY pgrst, 'reload schema';
