SET client_min_messages = warning;
-- What CREATE EXTENSION makes, and who may use it.
DROP EXTENSION better_auth;
DROP SCHEMA better_auth CASCADE;
CREATE EXTENSION better_auth;

-- The tables are ordinary tables: none is a member.
SELECT c.relname, d.objid IS NOT NULL AS is_member
FROM pg_class c
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
WHERE c.relnamespace = 'better_auth'::regnamespace AND c.relkind = 'r'
ORDER BY 1;

-- Nobody but the owner has any privilege on the schema and its tables.
SELECT nspacl IS NULL AS schema_is_closed FROM pg_namespace WHERE nspname = 'better_auth';
SELECT count(*) AS tables_open_to_others
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'better_auth'::regnamespace AND a.grantee <> c.relowner;

-- The functions: every one has a comment, and PUBLIC executes none.
SELECT p.oid::regprocedure AS function,
       has_function_privilege('public', p.oid, 'EXECUTE') AS public,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS has_comment
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'better_auth'
ORDER BY 1::text COLLATE "C";

-- None is SECURITY DEFINER: statements run as the owner of their table instead.
SELECT count(*) AS definers
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'better_auth'
WHERE p.prosecdef;

SELECT provolatile, proleakproof, proparallel, proisstrict
FROM pg_proc WHERE oid = 'public.requesting_user_id()'::regprocedure;

-- Fresh secrets, each of 32 random bytes in base64url.
SELECT name, value ~ '^[A-Za-z0-9_-]{43}$' AS is_random, valid_until IS NULL AS is_current
FROM better_auth.signing_secret ORDER BY name;

-- Again: nothing to do.
SELECT * FROM better_auth.migrate();

-- DROP EXTENSION keeps the users and the secrets; CREATE EXTENSION takes them up again.
SELECT better_auth.sign_up_email('keep@example.com', 'password1234', 'Keep') ->> 'token' AS token \gset
CREATE TEMP TABLE before AS SELECT * FROM better_auth.signing_secret;
DROP EXTENSION better_auth;
SELECT email FROM better_auth."user";
CREATE EXTENSION better_auth;
SELECT better_auth.get_session(:'token') #>> '{user,email}' AS email;
SELECT count(*) AS kept FROM better_auth.signing_secret s JOIN before b USING (id, name, value);
DELETE FROM better_auth."user";
