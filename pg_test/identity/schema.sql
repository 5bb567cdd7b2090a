-- What the generated queries ask: made twice, in a schema of its own each, which is first in the search_path. There,
-- me() is who is asking: requesting_user_id() itself in one, in the other a function in SQL of the same meaning.
CREATE TABLE plain (id int PRIMARY KEY, user_id text, grp int, val text);
CREATE TABLE bare (id int, user_id text, grp int, val text);
CREATE TABLE by_user (id int, user_id text, grp int, val text) PARTITION BY LIST (user_id);
CREATE TABLE by_user_1 PARTITION OF by_user FOR VALUES IN ('u1');
CREATE TABLE by_user_2 PARTITION OF by_user FOR VALUES IN ('u2', 'u3') PARTITION BY RANGE (id);
CREATE TABLE by_user_2a PARTITION OF by_user_2 FOR VALUES FROM (MINVALUE) TO (20);
CREATE TABLE by_user_2b PARTITION OF by_user_2 FOR VALUES FROM (20) TO (MAXVALUE);
CREATE TABLE by_user_rest PARTITION OF by_user DEFAULT;
CREATE TABLE by_id (id int, user_id text, grp int, val text) PARTITION BY RANGE (id);
CREATE TABLE by_id_1 PARTITION OF by_id FOR VALUES FROM (MINVALUE) TO (15);
CREATE TABLE by_id_2 PARTITION OF by_id FOR VALUES FROM (15) TO (MAXVALUE);
CREATE TABLE by_hash (id int, user_id text, grp int, val text) PARTITION BY HASH (user_id);
CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parent (id int, user_id text, grp int, val text);
CREATE TABLE child (more int DEFAULT 7) INHERITS (parent);
CREATE TABLE shares (doc int, uid text);
CREATE TABLE members (grp int, uid text);
CREATE TABLE remote_rows (id int, user_id text, grp int, val text);

CREATE FUNCTION is_mine(text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = me()';
CREATE FUNCTION is_either(text, text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = $2 OR $2 = ''u5''';
CREATE FUNCTION is_member(int) RETURNS boolean LANGUAGE sql STABLE AS
    'SELECT EXISTS (SELECT FROM members m WHERE m.grp = $1 AND m.uid = me())';
CREATE FUNCTION is_mine_plpgsql(text) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 = me(); END';
CREATE FUNCTION is_member_plpgsql(g int) RETURNS boolean LANGUAGE plpgsql STABLE AS
    'BEGIN RETURN EXISTS (SELECT FROM members m WHERE m.grp = g AND m.uid = me()); END';
CREATE FUNCTION rows_of(text) RETURNS SETOF plain LANGUAGE sql STABLE AS 'SELECT * FROM plain WHERE user_id = $1';
CREATE FUNCTION my_rows() RETURNS SETOF plain LANGUAGE sql STABLE AS 'SELECT * FROM plain WHERE user_id = me()';
-- A query in PL/pgSQL, as rows of text.
CREATE FUNCTION run(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN EXECUTE query LOOP RETURN NEXT one::text; END LOOP;
END $$;

INSERT INTO plain SELECT i, (ARRAY['u1', 'u2', 'u3', 'u4', 'u5', '7', NULL])[1 + i * 5 % 7], i * 3 % 5, CASE WHEN i % 6 > 0 THEN 'v' || i % 9 END
FROM generate_series(1, 40) i;
INSERT INTO bare SELECT id + 3, user_id, grp, val FROM plain WHERE id % 3 > 0;
INSERT INTO by_user SELECT id, user_id, grp, val FROM plain;
INSERT INTO by_id SELECT id, user_id, grp, val FROM plain WHERE id % 2 = 0;
INSERT INTO by_hash SELECT id, user_id, grp, val FROM plain WHERE id % 4 > 0;
INSERT INTO parent SELECT id, user_id, grp, val FROM plain WHERE id < 15;
INSERT INTO child SELECT id, user_id, grp, val FROM plain WHERE id >= 12;
INSERT INTO remote_rows SELECT id, user_id, grp, val FROM plain WHERE id % 5 > 1;
INSERT INTO shares SELECT i * 7 % 41, 'u' || i % 6 FROM generate_series(1, 30) i;
INSERT INTO members VALUES (0, 'u1'), (1, 'u1'), (1, 'u2'), (2, 'u3'), (3, 'u4'), (4, '7'), (4, NULL), (NULL, 'u1');
CREATE INDEX ON plain (user_id);
CREATE INDEX ON by_user (user_id, id);
CREATE INDEX ON by_id (grp, user_id);
CREATE INDEX ON shares (doc);

-- Policies of every form, and one table without any.
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON plain USING (user_id = me()) WITH CHECK (user_id = me() OR user_id IS NULL);
CREATE POLICY shared ON plain FOR SELECT USING (EXISTS (SELECT FROM shares s WHERE s.doc = plain.id AND s.uid = me()));
ALTER TABLE by_user ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON by_user USING (user_id = me());
CREATE POLICY shared ON by_user USING (EXISTS (SELECT FROM shares s WHERE s.doc = by_user.id AND s.uid = me()));
ALTER TABLE by_id ENABLE ROW LEVEL SECURITY;
CREATE POLICY member ON by_id USING (is_member(grp) OR is_either(user_id, me())) WITH CHECK (is_mine(user_id));
CREATE POLICY small ON by_id AS RESTRICTIVE USING (id < 100 AND me() IS NOT NULL);
ALTER TABLE by_hash ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON by_hash USING (is_mine_plpgsql(user_id) OR grp IN (SELECT m.grp FROM members m WHERE m.uid = me()));
ALTER TABLE parent ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON parent USING (user_id = me() OR grp = 0) WITH CHECK (me() = user_id);
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_mine ON members USING (uid = (SELECT me()) OR grp = 1);

CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM plain WHERE user_id = me() OR grp = 2;
CREATE VIEW united AS SELECT id, user_id, grp, val FROM by_id UNION ALL SELECT id, user_id, grp, val FROM bare WHERE user_id <> me();
CREATE VIEW checked AS SELECT * FROM bare WHERE user_id = me() OR grp = 3 WITH CHECK OPTION;
