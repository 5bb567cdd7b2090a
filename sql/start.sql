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

-- public.requesting_user_id() may be there already: the InsForge scaffold makes it, and policies depend on it. What is
-- known to be the same is replaced (finish.sql); what is somebody's own work decides who sees which rows.
DO $$
DECLARE
    one pg_catalog.record;
    reasons pg_catalog.text := '';
    definitions pg_catalog.text := '';
BEGIN
    FOR one IN
        SELECT p.oid::pg_catalog.regprocedure AS function, p.prokind, p.prosrc, p.proretset, p.pronargs,
               p.prorettype OPERATOR(pg_catalog.=) 'pg_catalog.text'::pg_catalog.regtype AS is_text,
               l.lanname,
               CASE p.prokind WHEN 'a' THEN 'an aggregate' ELSE pg_catalog.pg_get_functiondef(p.oid) END AS definition,
               -- Without comments, white space and capitals.
               pg_catalog.replace(pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog.regexp_replace(
                   p.prosrc, '--[^\n]*|/\*[^*]*\*/', ' ', 'g'), '\s+', '', 'g')), 'pg_catalog.', '') AS text
        FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
        JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
        WHERE n.nspname OPERATOR(pg_catalog.=) 'public' AND p.proname OPERATOR(pg_catalog.=) 'requesting_user_id'
          AND p.pronargs OPERATOR(pg_catalog.=) p.pronargdefaults
        ORDER BY p.oid
    LOOP
        IF one.pronargs OPERATOR(pg_catalog.>) 0 THEN
            reasons := pg_catalog.concat(reasons, pg_catalog.format(
                '; %s can be called without an argument, which makes every requesting_user_id() ambiguous', one.function));
        ELSIF one.prokind OPERATOR(pg_catalog.<>) 'f' THEN
            reasons := pg_catalog.concat(reasons, pg_catalog.format('; %s is not a plain function', one.function));
        ELSIF one.proretset OR NOT one.is_text THEN
            reasons := pg_catalog.concat(reasons, pg_catalog.format(
                '; %s does not return text, with which policies compare user ids', one.function));
        ELSIF one.lanname OPERATOR(pg_catalog.=) 'c'
            AND one.prosrc OPERATOR(pg_catalog.=) 'requesting_user_id_wrapper' THEN
            CONTINUE;
        ELSIF one.lanname OPERATOR(pg_catalog.=) 'sql'
            -- nullif(current_setting('request.jwt.claims', true)::json ->> 'sub', '')::text, and its kin.
            AND one.text OPERATOR(pg_catalog.~)
                '^select\(*(nullif\(+)?(nullif\()?current_setting\(''request\.jwt\.claims'',true\)(::text)?(,''''\))?\)*::jsonb?\)*->>''sub''(::text)?\)*(,''''\))?(::text)?\)*;?$'
            -- That is so only if the texts in quotes are what they seemed to be.
            AND one.prosrc OPERATOR(pg_catalog.!~) '''\s+'''
            AND pg_catalog.strpos(one.prosrc, '''sub''') OPERATOR(pg_catalog.>) 0
            AND pg_catalog.strpos(one.prosrc, '''request.jwt.claims''') OPERATOR(pg_catalog.>) 0 THEN
            CONTINUE;
        ELSE
            reasons := pg_catalog.concat(reasons, pg_catalog.format(
                '; %s does something else than the function that better_auth puts in its place', one.function));
        END IF;
        definitions := pg_catalog.concat(definitions, one.definition, E'\n');
    END LOOP;
    IF reasons OPERATOR(pg_catalog.<>) '' THEN
        RAISE EXCEPTION 'schema public has a requesting_user_id() already: %', pg_catalog.substr(reasons, 3)
            USING ERRCODE = 'duplicate_function',
                  DETAIL = pg_catalog.btrim(definitions, E'\n'),
                  HINT = 'Rename it before installing better_auth: ALTER FUNCTION ... RENAME TO ...; policies and defaults go on using it by its new name.';
    END IF;
END
$$;
