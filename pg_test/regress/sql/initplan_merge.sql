-- requesting_user_id() in every part of MERGE.
-- needs PostgreSQL 15
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE TABLE merge_target (id int PRIMARY KEY, user_id text, title text);
CREATE TABLE merge_source (id int, user_id text);
INSERT INTO merge_target SELECT i, CASE WHEN i % 2 = 0 THEN 'ada' ELSE 'eve' END FROM generate_series(1, 6) i;
INSERT INTO merge_source SELECT i, 'ada' FROM generate_series(4, 8) i;
ALTER TABLE merge_target ENABLE ROW LEVEL SECURITY;
CREATE ROLE initplan_user;
CREATE POLICY own ON merge_target TO initplan_user USING (user_id = requesting_user_id()) WITH CHECK (user_id = requesting_user_id());
GRANT ALL ON merge_target, merge_source TO initplan_user;
SELECT set_config('request.jwt.claims', '{"sub":"ada"}', false);
SET ROLE initplan_user;
MERGE INTO merge_target t USING (SELECT * FROM merge_source WHERE user_id = requesting_user_id() AND id <> 5) s
    ON t.id = s.id AND t.user_id = requesting_user_id()
    WHEN MATCHED AND t.id = 6 AND requesting_user_id() = 'ada' THEN DELETE
    WHEN MATCHED AND t.user_id = requesting_user_id() THEN UPDATE SET title = 'of ' || requesting_user_id()
    WHEN NOT MATCHED AND requesting_user_id() IS NOT NULL THEN INSERT VALUES (s.id, requesting_user_id(), 'new of ' || requesting_user_id());
MERGE INTO merge_target t USING merge_source s ON t.id = s.id WHEN MATCHED AND t.id = 4 THEN UPDATE SET user_id = 'eve' WHEN NOT MATCHED THEN DO NOTHING;
RESET ROLE;
SELECT * FROM merge_target ORDER BY id;
DROP TABLE merge_target, merge_source;
DROP ROLE initplan_user;
