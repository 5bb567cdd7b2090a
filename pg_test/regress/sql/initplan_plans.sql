-- What requesting_user_id() in a condition does to plans: nothing that another stable function wouldn't do.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA initplan;
CREATE ROLE initplan_user;
GRANT USAGE ON SCHEMA initplan TO initplan_user;
SET search_path = initplan, public;
CREATE FUNCTION act_as(id text) RETURNS boolean LANGUAGE plpgsql COST 1000 AS $$ BEGIN
    PERFORM set_config('request.jwt.claims', json_build_object('sub', id)::text, false);
    RETURN true;
END $$;
SELECT act_as('ada');

-- Partitions with a policy that asks another table: no query of the role worked (XX000).
CREATE TABLE docs (id int, user_id text) PARTITION BY RANGE (id);
CREATE TABLE docs_1 PARTITION OF docs FOR VALUES FROM (0) TO (5);
CREATE TABLE docs_2 PARTITION OF docs FOR VALUES FROM (5) TO (10);
CREATE TABLE shares (doc int, uid text);
INSERT INTO docs SELECT i, CASE WHEN i % 3 = 0 THEN 'ada' ELSE 'eve' END FROM generate_series(0, 9) i;
INSERT INTO shares VALUES (1, 'ada'), (7, 'ada'), (4, 'eve');
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs TO initplan_user USING (user_id = requesting_user_id());
CREATE POLICY shared ON docs TO initplan_user USING (EXISTS (SELECT FROM shares s WHERE s.doc = docs.id AND s.uid = requesting_user_id()));
GRANT SELECT ON docs, shares TO initplan_user;
SET ROLE initplan_user;
SELECT string_agg(id::text, ' ' ORDER BY id) FROM docs;
SELECT count(*) FROM docs WHERE user_id = 'eve' AND id > 1;
RESET ROLE;

-- What PostgREST makes of ?user_id=eq.ada under such a policy.
CREATE TABLE notes (id int PRIMARY KEY, user_id text, kind int);
INSERT INTO notes SELECT i, CASE WHEN i % 2 = 0 THEN 'ada' ELSE 'eve' END, i % 3 FROM generate_series(1, 10) i;
SELECT id FROM notes WHERE user_id = requesting_user_id() AND user_id = 'ada'
    AND (kind = 1 OR EXISTS (SELECT FROM shares s WHERE s.doc = notes.id AND s.uid = requesting_user_id())) ORDER BY id;

-- Partitions by user, and a plan that is kept: all but one are left out at the start.
CREATE TABLE split (user_id text, id int) PARTITION BY LIST (user_id);
SELECT format('CREATE TABLE split_%1$s PARTITION OF split FOR VALUES IN (%2$L)', i, 'user' || i) FROM generate_series(1, 20) i \gexec
INSERT INTO split SELECT 'user' || i, i FROM generate_series(1, 20) i;
PREPARE mine AS SELECT id FROM split WHERE user_id = requesting_user_id();
SET plan_cache_mode = force_generic_plan;
SELECT act_as('user7');
EXECUTE mine;
EXPLAIN (COSTS off) EXECUTE mine;
SELECT act_as('user8');
EXECUTE mine;
RESET plan_cache_mode;

-- One user has half of the table: this is estimated by the user who asks when it is planned.
CREATE TABLE half AS SELECT i AS id, CASE WHEN i % 2 = 0 THEN 'ada' ELSE 'user' || i END AS user_id FROM generate_series(1, 10000) i;
ANALYZE half;
CREATE FUNCTION estimate(query text) RETURNS float LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan #>> '{0,Plan,Plan Rows}';
END $$;
SELECT act_as('ada');
SELECT estimate('SELECT FROM half a JOIN half b USING (id) WHERE a.user_id = requesting_user_id()')
     / estimate('SELECT FROM half a JOIN half b USING (id) WHERE a.user_id = ''ada''') BETWEEN 0.5 AND 2;
SELECT act_as('nobody');
SELECT estimate('SELECT FROM half WHERE user_id = requesting_user_id()') < 10;

-- A function in SQL that uses its argument twice is inlined.
CREATE FUNCTION may_see(owner text, who text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT owner = who OR who = 'admin' $$;
EXPLAIN (COSTS off) SELECT FROM notes WHERE may_see(user_id, requesting_user_id());
-- By index.
CREATE INDEX ON half (user_id, id);
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
EXPLAIN (COSTS off) SELECT * FROM half WHERE user_id = requesting_user_id() AND id < 10;
RESET ALL;
SET client_min_messages = warning;
SET search_path = initplan, public;

-- Evaluated once: rows that come after the claims have changed are still judged by the first answer, in each place where
-- the plan has the condition. In each kind of plan, this, then the call for each row.
SET enable_indexscan = off; SET enable_bitmapscan = off; SET jit = off;
CREATE FUNCTION once(query text, who text DEFAULT 'ada') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    once text;
    called text;
BEGIN
    query := 'SELECT string_agg(id::text, '' '' ORDER BY id) FROM (' || query || ') q';
    SET LOCAL better_auth.enable_initplan = on;
    PERFORM act_as(who);
    EXECUTE query INTO once;
    SET LOCAL better_auth.enable_initplan = off;
    PERFORM act_as(who);
    EXECUTE query INTO called;
    RETURN format('%s | %s', once, called);
END $$;
SELECT once('SELECT id FROM notes WHERE user_id = requesting_user_id() AND act_as(''eve'')');
SELECT once('SELECT id FROM notes WHERE may_see(user_id, requesting_user_id()) AND act_as(''eve'')');
SELECT once('SELECT id FROM docs WHERE user_id = requesting_user_id() AND act_as(''eve'')');
SELECT once('SELECT id FROM (SELECT id, user_id FROM notes UNION ALL SELECT id, user_id FROM docs) u WHERE user_id = requesting_user_id() AND act_as(''eve'')');
SELECT once('SELECT id FROM (SELECT id, user_id FROM notes OFFSET 0) u WHERE user_id || '''' = requesting_user_id() AND act_as(''eve'')');
SELECT once('SELECT n.id FROM notes n LEFT JOIN shares s ON s.doc = n.id AND coalesce(s.uid, n.user_id) = requesting_user_id() WHERE s.doc IS NOT NULL AND act_as(''eve'')');
SELECT once('SELECT id FROM notes WHERE id = 0 OR id IN (SELECT n.id FROM notes n WHERE n.user_id = requesting_user_id() AND act_as(''eve''))');
SELECT once('WITH w AS MATERIALIZED (SELECT id FROM notes WHERE user_id = requesting_user_id() AND act_as(''eve'')) SELECT * FROM w');
-- A user who is nobody stays nobody.
SELECT once('SELECT id FROM notes WHERE user_id IS DISTINCT FROM requesting_user_id() AND act_as(''eve'')', '');
-- A select list follows the claims.
SELECT once('SELECT id FROM (SELECT id, requesting_user_id() AS me FROM notes WHERE act_as(CASE WHEN id < 5 THEN ''ada'' ELSE ''eve'' END) OFFSET 0) q WHERE me = ''ada''');

-- Anywhere, under any name: it is known by what it is.
CREATE SCHEMA elsewhere;
GRANT USAGE ON SCHEMA elsewhere TO initplan_user;
CREATE FUNCTION elsewhere.who() RETURNS text LANGUAGE c STABLE PARALLEL SAFE AS '$libdir/better_auth', 'requesting_user_id_wrapper';
SELECT once('SELECT id FROM notes WHERE user_id = elsewhere.who() AND act_as(''eve'')');
-- And others are left alone.
CREATE FUNCTION elsewhere.requesting_user_id() RETURNS text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN public.requesting_user_id(); END';
SELECT once('SELECT id FROM notes WHERE user_id = elsewhere.requesting_user_id() AND act_as(''eve'')');
SELECT pg_get_functiondef('requesting_user_id()'::regprocedure) LIKE '%SUPPORT%';

DROP SCHEMA elsewhere CASCADE;
DROP SCHEMA initplan CASCADE;
DROP ROLE initplan_user;
