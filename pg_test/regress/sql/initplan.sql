-- requesting_user_id() is evaluated once a statement in conditions of plans that scan a table, and everywhere gives what
-- the call itself would give. Each query is asked three times: with better_auth.enable_initplan on and off, and with an
-- SQL function of the same meaning in its place. The plan is the same, on and off.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA initplan;
GRANT USAGE ON SCHEMA initplan TO PUBLIC;
SET search_path = initplan, public;
CREATE ROLE initplan_user;

CREATE FUNCTION act_as(id text) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('request.jwt.claims', json_build_object('sub', id, 'role', 'initplan_user')::text, false)
$$;

CREATE FUNCTION helper() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', '')
$$;

-- What a query's plan scans.
CREATE FUNCTION scans(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT string_agg(match[1], ', ') FROM regexp_matches(plan::text, '"Node Type": "([^"]* Scan)"', 'g') match);
END $$;

CREATE FUNCTION plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (VERBOSE, FORMAT JSON) ' || query INTO plan;
    RETURN plan;
END $$;

-- The rows of a query, which are the same each time.
CREATE FUNCTION alike(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    text text := 'SELECT coalesce(string_agg(q::text, '' '' ORDER BY q::text), ''none'') FROM (' || query || ') q';
    once text;
    called text;
    helped text;
    plan text;
BEGIN
    SET LOCAL better_auth.enable_initplan = on;
    EXECUTE text INTO once;
    plan := plan(query);
    SET LOCAL better_auth.enable_initplan = off;
    EXECUTE text INTO called;
    EXECUTE replace(text, 'requesting_user_id()', 'helper()') INTO helped;
    IF once IS DISTINCT FROM called OR once IS DISTINCT FROM helped OR plan(query) <> plan THEN
        RAISE EXCEPTION 'once: %, called: %, helped: %, plans: % and %', once, called, helped, plan, plan(query);
    END IF;
    RETURN once;
END $$;

CREATE TABLE posts (id int PRIMARY KEY, user_id text NOT NULL DEFAULT requesting_user_id(), title text);
INSERT INTO posts SELECT i, CASE WHEN i % 50 = 0 THEN 'ada' WHEN i % 50 = 1 THEN 'eve' ELSE 'user' || i END, 'title ' || i
FROM generate_series(1, 100) i;
CREATE INDEX posts_user_id ON posts (user_id);
ANALYZE posts;
SELECT act_as('ada');

-- Queries.
SELECT alike('SELECT id FROM posts WHERE user_id = requesting_user_id()');
SELECT alike('SELECT id FROM posts WHERE requesting_user_id() = user_id AND id > 50');
SELECT alike('SELECT id, requesting_user_id() FROM posts WHERE id < 3');
SELECT alike('SELECT a.id FROM posts a JOIN posts b ON a.id = b.id AND b.user_id = requesting_user_id()');
SELECT alike('SELECT a.id FROM posts a LEFT JOIN posts b ON a.id = b.id AND b.user_id = requesting_user_id() WHERE b.id IS NOT NULL');
SELECT alike('SELECT a.id FROM posts a FULL JOIN posts b ON a.id = b.id WHERE b.user_id = requesting_user_id()');
SELECT alike('SELECT count(*) FILTER (WHERE user_id = requesting_user_id()) FROM posts');
SELECT alike('SELECT requesting_user_id() AS me, count(*) FROM posts GROUP BY requesting_user_id() HAVING requesting_user_id() IS NOT NULL');
SELECT alike('SELECT requesting_user_id() || user_id AS me, count(*) FROM posts WHERE id < 4 GROUP BY 1 ORDER BY requesting_user_id() || user_id');
SELECT alike('SELECT requesting_user_id(), user_id, count(*) FROM posts WHERE id IN (1, 50) GROUP BY GROUPING SETS ((requesting_user_id(), user_id), (requesting_user_id()))');
SELECT alike('SELECT DISTINCT requesting_user_id() FROM posts ORDER BY requesting_user_id()');
SELECT alike('SELECT DISTINCT ON (requesting_user_id()) requesting_user_id(), id FROM posts ORDER BY requesting_user_id(), id');
SELECT alike('SELECT id FROM posts ORDER BY user_id = requesting_user_id() DESC, id LIMIT 2');
SELECT alike('SELECT id FROM posts ORDER BY id LIMIT length(requesting_user_id()) OFFSET length(requesting_user_id()) - 3');
SELECT alike('SELECT id, row_number() OVER (PARTITION BY user_id = requesting_user_id() ORDER BY id) FROM posts WHERE id > 98');
SELECT alike('SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN length(requesting_user_id()) PRECEDING AND CURRENT ROW) FROM posts WHERE id < 4');
SELECT alike('SELECT CASE WHEN user_id = requesting_user_id() THEN 1 END FROM posts WHERE id IN (50, 51)');
SELECT alike('SELECT coalesce(NULLIF(requesting_user_id(), user_id), ''same'') FROM posts WHERE id IN (50, 51)');
SELECT alike('SELECT id FROM posts WHERE user_id = ANY (ARRAY[requesting_user_id(), ''eve''])');
SELECT alike('SELECT id FROM posts WHERE (user_id, id) = (requesting_user_id(), 50)');
SELECT alike('SELECT id FROM posts WHERE user_id LIKE requesting_user_id() || ''%''');
SELECT alike('SELECT id FROM posts TABLESAMPLE system (100 * length(requesting_user_id()) / 3) WHERE user_id = ''ada''');
SELECT alike('SELECT id FROM ONLY posts WHERE user_id = requesting_user_id() FOR UPDATE');

-- Sub-selects, at every level.
SELECT alike('SELECT id FROM posts WHERE user_id = (SELECT requesting_user_id())');
SELECT alike('SELECT id FROM posts WHERE id IN (SELECT id FROM posts WHERE user_id = requesting_user_id())');
SELECT alike('SELECT id FROM posts p WHERE EXISTS (SELECT FROM posts q WHERE q.id = p.id AND q.user_id = requesting_user_id())');
SELECT alike('SELECT id FROM posts p WHERE NOT EXISTS (SELECT FROM posts q WHERE q.id = p.id AND q.user_id <> requesting_user_id())');
SELECT alike('SELECT id, (SELECT max(title) FROM posts q WHERE q.id = p.id AND q.user_id = requesting_user_id()) FROM posts p WHERE id IN (1, 50)');
SELECT alike('SELECT * FROM (SELECT user_id, count(*) FROM posts GROUP BY user_id) q WHERE user_id = requesting_user_id()');
SELECT alike('SELECT * FROM (SELECT DISTINCT user_id FROM posts OFFSET 0) q WHERE user_id = requesting_user_id()');
SELECT alike('WITH q AS (SELECT * FROM posts WHERE user_id = requesting_user_id()) SELECT id FROM q');
SELECT alike('WITH q AS MATERIALIZED (SELECT *, requesting_user_id() AS me FROM posts) SELECT id FROM q WHERE user_id = me');
SELECT alike('WITH RECURSIVE q AS (SELECT id FROM posts WHERE user_id = requesting_user_id() UNION SELECT p.id FROM posts p JOIN q ON p.id = q.id + 1 AND requesting_user_id() = ''ada'' WHERE p.id < 53) SELECT id FROM q');
SELECT alike('SELECT id FROM posts WHERE user_id = requesting_user_id() UNION ALL SELECT id FROM posts WHERE user_id = requesting_user_id()');
SELECT alike('SELECT id FROM posts WHERE user_id = requesting_user_id() EXCEPT SELECT 50');
SELECT alike('SELECT p.id, l.me FROM posts p, LATERAL (SELECT requesting_user_id() AS me, p.id AS x) l WHERE p.user_id = l.me');
SELECT alike('SELECT p.id, l.n FROM posts p, LATERAL (SELECT count(*) AS n FROM posts q WHERE q.user_id = requesting_user_id() AND q.id = p.id) l WHERE p.id = 50');

-- An EXISTS that is no join: PostgreSQL simplifies it in the name of the query around it, and 0.1.0 failed.
CREATE TABLE members (post int, user_id text);
INSERT INTO members VALUES (2, 'ada'), (3, 'eve'), (50, 'ada');
SELECT alike('SELECT id FROM posts WHERE user_id = requesting_user_id() OR EXISTS (SELECT FROM members m WHERE m.post = posts.id AND m.user_id = requesting_user_id())');
SELECT alike('SELECT id FROM posts WHERE id = 1 OR NOT EXISTS (SELECT FROM members m WHERE m.post <> posts.id AND m.user_id = requesting_user_id())');
SELECT alike('SELECT id, EXISTS (SELECT FROM members m WHERE m.post = id AND m.user_id = requesting_user_id()) FROM posts WHERE id < 4');
SELECT alike('SELECT id FROM posts WHERE EXISTS (SELECT FROM members m WHERE m.post = id LIMIT length(requesting_user_id()))');
SELECT alike('SELECT id FROM posts WHERE id = 1 OR EXISTS (SELECT FROM members m WHERE m.post = id OFFSET length(requesting_user_id()))');
SELECT alike('SELECT (SELECT max(EXISTS (SELECT FROM members m WHERE m.post = p.id AND m.user_id = requesting_user_id())::int) FROM (VALUES (1)) v) FROM posts p');
SELECT alike('SELECT id FROM posts p WHERE id = 1 OR id IN (SELECT q.id FROM posts q WHERE q.id = 5 OR EXISTS (SELECT FROM members m WHERE m.post = q.id AND m.user_id = requesting_user_id()))');
SELECT alike('SELECT id FROM posts p WHERE EXISTS (SELECT FROM posts q WHERE q.id = p.id AND (q.id = 7 OR EXISTS (SELECT FROM members m WHERE m.post = q.id AND m.user_id = requesting_user_id())))');
CREATE FUNCTION is_member(int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM initplan.members WHERE post = $1 AND user_id = public.requesting_user_id())';
SELECT alike('SELECT id FROM posts WHERE user_id = requesting_user_id() OR is_member(id)');
SELECT alike('SELECT id FROM (SELECT id, user_id FROM posts UNION ALL SELECT post, user_id FROM members) u WHERE user_id = ''eve'' OR EXISTS (SELECT FROM members m WHERE m.post = u.id AND m.user_id = requesting_user_id())');
-- What is grouped by in several ways is found again by comparison.
SELECT alike('SELECT user_id || requesting_user_id() AS k, lower(user_id || requesting_user_id()), count(*) FROM posts WHERE id < 3 GROUP BY ROLLUP (user_id || requesting_user_id())');
SELECT alike('SELECT coalesce((user_id = requesting_user_id())::text, ''total''), count(*) FROM posts GROUP BY CUBE (user_id = requesting_user_id())');
SELECT alike('SELECT count(*) FROM posts GROUP BY ROLLUP (user_id || requesting_user_id()) HAVING user_id || requesting_user_id() IS NULL');
-- Expressions as deep as PostgreSQL takes them.
DO $$ BEGIN
    EXECUTE format('SELECT FROM initplan.posts, generate_series(1, 0 * (%s 1 %s)) WHERE user_id = requesting_user_id()', repeat('id + (', 3000), repeat(')', 3000));
EXCEPTION WHEN statement_too_complex THEN NULL;
END $$;

-- Functions in FROM: inlined as before, and evaluated once as ever.
CREATE FUNCTION posts_of(text) RETURNS SETOF posts LANGUAGE sql STABLE AS 'SELECT * FROM initplan.posts WHERE user_id = $1';
CREATE FUNCTION my_posts() RETURNS SETOF posts LANGUAGE sql STABLE AS 'SELECT * FROM initplan.posts WHERE user_id = public.requesting_user_id()';
SELECT alike('SELECT id FROM posts_of(requesting_user_id())');
SELECT alike('SELECT id FROM my_posts()');
SELECT alike('SELECT p.id FROM posts p JOIN posts_of(requesting_user_id()) q USING (id)');
SELECT alike('SELECT p.id, u FROM posts p, unnest(ARRAY[requesting_user_id(), p.user_id]) u WHERE p.id IN (50, 51)');
SELECT alike('SELECT * FROM requesting_user_id()');
SELECT alike('SELECT id, f FROM posts, requesting_user_id() f WHERE user_id = f');
SELECT scans('SELECT id FROM posts_of(requesting_user_id())');

-- Functions inlined from SQL, and others.
CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE AS 'SELECT public.requesting_user_id()';
CREATE FUNCTION is_mine(text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = public.requesting_user_id()';
CREATE FUNCTION is_either(text, text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = $2 OR $2 = ''nobody''';
CREATE FUNCTION me_plpgsql() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN public.requesting_user_id(); END';
SELECT alike('SELECT id FROM posts WHERE user_id = me()');
SELECT alike('SELECT id FROM posts WHERE is_mine(user_id)');
SELECT alike('SELECT id FROM posts WHERE is_either(user_id, requesting_user_id())');
SELECT alike('SELECT id FROM posts WHERE user_id = me_plpgsql()');

-- Without a table.
SELECT alike('SELECT requesting_user_id()');
SELECT alike('SELECT requesting_user_id() FROM generate_series(1, 2)');
SELECT alike('VALUES (requesting_user_id()), (''x'')');
SELECT alike('SELECT * FROM (VALUES (requesting_user_id())) v (a) WHERE a = requesting_user_id()');
SELECT alike('SELECT (SELECT requesting_user_id()) FROM (SELECT 1) q');

-- Without claims.
SELECT set_config('request.jwt.claims', '', false);
SELECT alike('SELECT id FROM posts WHERE user_id = requesting_user_id()');
SELECT alike('SELECT id FROM posts WHERE user_id = requesting_user_id() IS NULL AND id = 1');

-- The setting is a planner's, which everybody may change.
SET ROLE initplan_user;
SET better_auth.enable_initplan = off;
SHOW better_auth.enable_initplan;
RESET better_auth.enable_initplan;
RESET ROLE;

DROP SCHEMA initplan CASCADE;
DROP ROLE initplan_user;
