-- Plans that are kept, and run again for another user: each run asks anew.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA initplan;
SET search_path = initplan, public;
CREATE FUNCTION act_as(id text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('request.jwt.claims', json_build_object('sub', id)::text, false)
$$;
CREATE TABLE posts (id int PRIMARY KEY, user_id text);
INSERT INTO posts SELECT i, CASE WHEN i % 2 = 0 THEN 'ada' ELSE 'eve' END FROM generate_series(1, 6) i;

-- Prepared statements, by plans for these parameters and by one for all.
PREPARE mine(int) AS SELECT id FROM posts WHERE user_id = requesting_user_id() AND id > $1 ORDER BY id;
PREPARE change(int) AS UPDATE posts SET id = id WHERE user_id = requesting_user_id() AND id > $1 RETURNING id;
SET plan_cache_mode = force_custom_plan;
SELECT act_as('ada');
EXECUTE mine(2);
SELECT act_as('eve');
EXECUTE mine(2);
SELECT act_as('');
EXECUTE mine(2);
SET plan_cache_mode = force_generic_plan;
SELECT act_as('ada');
EXECUTE mine(2);
EXECUTE change(2);
SELECT act_as('eve');
EXECUTE mine(2);
EXECUTE change(2);
SET better_auth.enable_initplan = off;
EXECUTE mine(2);
RESET better_auth.enable_initplan;
RESET plan_cache_mode;
DEALLOCATE ALL;

-- Cursors: who asked when the statement ran is who asks, to the end. A select list follows the claims.
BEGIN;
SELECT act_as('ada');
DECLARE plain SCROLL CURSOR FOR SELECT id, requesting_user_id() FROM posts WHERE user_id = requesting_user_id() ORDER BY id;
DECLARE kept CURSOR WITH HOLD FOR SELECT id FROM posts WHERE user_id = requesting_user_id() ORDER BY id;
FETCH 1 FROM plain;
FETCH 1 FROM kept;
SELECT act_as('eve');
FETCH 1 FROM plain;
MOVE BACKWARD ALL FROM plain;
FETCH ALL FROM plain;
COMMIT;
FETCH ALL FROM kept;
CLOSE kept;

-- PL/pgSQL: simple expressions, which take plans apart, statements, loops, and functions called again.
CREATE FUNCTION tries() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    me text := requesting_user_id();
    found int[];
    one record;
    result text := '';
BEGIN
    FOR i IN 1..12 LOOP
        me := requesting_user_id();
        IF requesting_user_id() = me AND requesting_user_id() || '' <> 'nobody' THEN
            result := requesting_user_id() || i;
        END IF;
        SELECT array_agg(id ORDER BY id) INTO found FROM posts WHERE user_id = requesting_user_id();
        PERFORM FROM posts WHERE user_id = requesting_user_id();
    END LOOP;
    FOR one IN SELECT id FROM posts WHERE user_id = requesting_user_id() ORDER BY id LOOP
        result := result || ' ' || one.id;
    END LOOP;
    BEGIN
        me := (SELECT requesting_user_id() FROM posts LIMIT 1);
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN raise_exception THEN
        RETURN concat_ws(', ', result, me, found);
    END;
END $$;
SELECT act_as('ada');
SELECT tries();
SELECT act_as('eve');
SELECT tries();
SELECT tries() FROM posts WHERE user_id = requesting_user_id() AND id < 4;
-- A function in a policy's place that isn't inlined keeps a plan of its own.
CREATE FUNCTION mine() RETURNS SETOF int LANGUAGE sql VOLATILE AS 'SELECT id FROM posts WHERE user_id = requesting_user_id() ORDER BY id';
SELECT mine();
SELECT act_as('ada');
SELECT mine();
-- A procedure that commits between.
CREATE PROCEDURE steps(who text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', '{"sub":"eve"}', true);
    RAISE WARNING '% in the transaction: %, %', who, requesting_user_id(), (SELECT sum(id) FROM posts WHERE user_id = requesting_user_id());
    COMMIT;
    RAISE WARNING '% after it: %, %', who, requesting_user_id(), (SELECT sum(id) FROM posts WHERE user_id = requesting_user_id());
END $$;
CALL steps(requesting_user_id());
-- Claims that change back when a savepoint is rolled back to.
BEGIN;
SAVEPOINT before;
SELECT act_as('eve');
SELECT sum(id) FROM posts WHERE user_id = requesting_user_id();
ROLLBACK TO before;
SELECT sum(id) FROM posts WHERE user_id = requesting_user_id();
COMMIT;

-- Parallel plans: the workers are given the value.
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE many AS SELECT i AS id, CASE WHEN i % 4 = 0 THEN 'ada' ELSE 'eve' END AS user_id FROM generate_series(1, 20000) i;
ANALYZE many;
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT string_agg(match[1], ', ') FROM regexp_matches(plan::text, '(Gather|InitPlan)', 'g') match);
END $$;
SELECT plan_of('SELECT count(*) FROM many WHERE user_id = requesting_user_id()');
SELECT count(*) FROM many WHERE user_id = requesting_user_id();
SELECT act_as('eve');
SELECT count(*) FROM many WHERE user_id = requesting_user_id();
SELECT count(DISTINCT a.id) FROM many a JOIN many b USING (id) WHERE a.user_id = requesting_user_id() AND b.user_id = requesting_user_id();
SET better_auth.enable_initplan = off;
SELECT plan_of('SELECT count(*) FROM many WHERE user_id = requesting_user_id()');
SELECT count(*) FROM many WHERE user_id = requesting_user_id();
RESET better_auth.enable_initplan;
SELECT CASE WHEN :SERVER_VERSION_NUM < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS parallel \gset
SET :parallel = on;
SELECT count(*) FROM posts WHERE user_id = requesting_user_id();
SELECT requesting_user_id();
RESET ALL;
SET client_min_messages = warning;

-- The function replaced under a plan that is kept.
SET search_path = initplan, public;
SELECT act_as('ada');
PREPARE mine AS SELECT sum(id) FROM posts WHERE user_id = requesting_user_id();
EXECUTE mine;
ALTER FUNCTION public.requesting_user_id() COST 2;
EXECUTE mine;
ALTER FUNCTION public.requesting_user_id() COST 1;
EXECUTE mine;

DROP SCHEMA initplan CASCADE;
