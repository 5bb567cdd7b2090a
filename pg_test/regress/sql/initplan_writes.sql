-- requesting_user_id() in what writes: policies, and everything that is planned without a query, where it stays a
-- call. Nothing of it may crash, and every row has to be of the one who asks.
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA initplan;
CREATE ROLE initplan_user;
GRANT USAGE ON SCHEMA initplan TO initplan_user;
SET search_path = initplan, public;
CREATE FUNCTION act_as(id text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('request.jwt.claims', json_build_object('sub', id)::text, false)
$$;

-- Column defaults, CHECK constraints, WHEN of triggers; a foreign key to a table with a policy.
CREATE TABLE authors (id text PRIMARY KEY);
INSERT INTO authors VALUES ('ada'), ('eve');
CREATE TABLE posts (
    id int PRIMARY KEY CHECK (id > 0 OR requesting_user_id() = 'ada'),
    user_id text NOT NULL DEFAULT requesting_user_id() REFERENCES authors,
    title text DEFAULT 'by ' || requesting_user_id(),
    CHECK (requesting_user_id() IS NOT NULL)
);
CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title := NEW.title || '!'; RETURN NEW; END $$;
CREATE TRIGGER mark BEFORE INSERT ON posts FOR EACH ROW WHEN (NEW.user_id = requesting_user_id()) EXECUTE FUNCTION mark();
ALTER TABLE authors ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON authors TO initplan_user USING (id = requesting_user_id());
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON posts TO initplan_user USING (user_id = requesting_user_id()) WITH CHECK (user_id = requesting_user_id());
GRANT ALL ON posts, authors TO initplan_user;
SELECT act_as('ada');
INSERT INTO posts SELECT i FROM generate_series(1, 3) i;
INSERT INTO posts VALUES (-1, DEFAULT, DEFAULT), (-2, 'eve', 'of another');
SELECT * FROM posts ORDER BY id;

-- Where only IMMUTABLE functions may be, it is refused as ever.
CREATE INDEX ON posts (user_id) WHERE user_id = requesting_user_id();
ALTER TABLE posts ADD who text GENERATED ALWAYS AS (requesting_user_id()) STORED;
-- ALTER TABLE computes a default, and another type, without a query.
ALTER TABLE posts ADD added_by text DEFAULT requesting_user_id();
ALTER TABLE posts ALTER added_by TYPE text USING added_by || ' ' || requesting_user_id();
SELECT DISTINCT added_by FROM posts;
ALTER TABLE posts DROP added_by;

SET ROLE initplan_user;
-- WITH CHECK: of INSERT in all its forms, and of UPDATE.
INSERT INTO posts VALUES (10, DEFAULT, DEFAULT), (11, requesting_user_id(), 'eleven');
INSERT INTO posts SELECT id + 100, user_id FROM posts WHERE id > 0;
INSERT INTO posts VALUES (12, 'eve');
INSERT INTO posts SELECT id + 200, 'eve' FROM posts;
INSERT INTO posts VALUES (1) ON CONFLICT (id) DO UPDATE SET title = 'again, ' || requesting_user_id() WHERE posts.user_id = requesting_user_id() RETURNING title, requesting_user_id();
INSERT INTO posts VALUES (1) ON CONFLICT (id) DO UPDATE SET user_id = 'eve';
INSERT INTO posts VALUES (-2) ON CONFLICT (id) DO UPDATE SET title = 'stolen';
INSERT INTO posts VALUES (1) ON CONFLICT (id) WHERE requesting_user_id() = 'ada' DO NOTHING;
INSERT INTO posts SELECT id, requesting_user_id() FROM posts ON CONFLICT (id) DO UPDATE SET title = excluded.user_id WHERE excluded.user_id = requesting_user_id() RETURNING id;
UPDATE posts SET title = requesting_user_id() || '''s' WHERE requesting_user_id() = user_id RETURNING id, title, requesting_user_id();
UPDATE posts SET user_id = 'eve';
UPDATE posts SET (title, user_id) = (SELECT requesting_user_id(), requesting_user_id()) WHERE id = 1 RETURNING title;
WITH moved AS (DELETE FROM posts WHERE id > 100 AND user_id = requesting_user_id() RETURNING id, requesting_user_id() AS me) SELECT * FROM moved ORDER BY id;
WITH made AS (INSERT INTO posts (id) VALUES (30) RETURNING *) SELECT made.title, p.id FROM made, posts p WHERE p.user_id = requesting_user_id() AND p.id = 1;
DELETE FROM posts USING authors WHERE authors.id = posts.user_id AND posts.id = 30 RETURNING posts.id;
SELECT act_as('eve');
SELECT id FROM posts;
DELETE FROM posts RETURNING id;
SELECT act_as('nobody');
INSERT INTO posts VALUES (40);
SELECT count(*) FROM posts;
RESET ROLE;

-- Views: with CHECK OPTION, as a security barrier, updated through a rule; and a materialised one.
SELECT act_as('ada');
CREATE VIEW mine WITH (security_barrier) AS SELECT * FROM posts WHERE user_id = requesting_user_id() WITH CHECK OPTION;
CREATE VIEW named AS SELECT id, requesting_user_id() AS me FROM posts;
CREATE RULE named_update AS ON UPDATE TO named DO INSTEAD UPDATE posts SET title = OLD.me || ', ' || requesting_user_id() WHERE id = OLD.id RETURNING id, title;
CREATE MATERIALIZED VIEW counted AS SELECT requesting_user_id() AS me, count(*) FROM posts WHERE user_id = requesting_user_id();
SELECT count(*) FROM mine;
INSERT INTO mine VALUES (50, 'eve');
INSERT INTO mine VALUES (50);
UPDATE mine SET user_id = 'eve' WHERE id = 50;
SELECT id FROM mine WHERE title LIKE '%by%' AND id = 50;
UPDATE named SET me = 'x' WHERE id = 50 RETURNING *;
SELECT * FROM counted;
SELECT act_as('eve');
INSERT INTO posts VALUES (60);
SELECT id FROM mine;
REFRESH MATERIALIZED VIEW counted;
SELECT * FROM counted;
CREATE TABLE copied AS SELECT id, requesting_user_id() AS me FROM posts WHERE user_id = requesting_user_id();
SELECT * FROM copied;
-- COPY in, whose WHERE has no query, and out.
COPY posts (id) FROM stdin WHERE user_id = requesting_user_id() AND id < 80;
70
90
\.
COPY (SELECT id, title FROM posts WHERE user_id = requesting_user_id() ORDER BY id) TO stdout;

-- Partitioned and inherited tables; partitions are pruned by it.
CREATE TABLE split (user_id text, id int DEFAULT 1) PARTITION BY LIST (user_id);
CREATE TABLE split_ada PARTITION OF split FOR VALUES IN ('ada');
CREATE TABLE split_eve PARTITION OF split FOR VALUES IN ('eve');
CREATE TABLE split_rest PARTITION OF split DEFAULT;
INSERT INTO split VALUES ('ada'), ('eve'), ('x');
ALTER TABLE split ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON split TO initplan_user USING (user_id = requesting_user_id());
CREATE TABLE parent (user_id text, id int DEFAULT 1);
CREATE TABLE child (more text DEFAULT requesting_user_id()) INHERITS (parent);
ALTER TABLE parent ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON parent TO initplan_user USING (user_id = requesting_user_id());
GRANT ALL ON split, parent, child TO initplan_user;
INSERT INTO parent VALUES ('ada'), ('eve');
INSERT INTO child VALUES ('ada'), ('eve');
SET ROLE initplan_user;
SELECT tableoid::regclass, user_id FROM split;
UPDATE split SET id = id + 1 RETURNING tableoid::regclass, id;
UPDATE split SET user_id = 'ada';
SELECT tableoid::regclass, user_id FROM parent ORDER BY 1;
UPDATE parent SET id = length(requesting_user_id()) WHERE requesting_user_id() = user_id RETURNING tableoid::regclass, id;
DELETE FROM parent WHERE user_id = requesting_user_id() RETURNING tableoid::regclass;
DELETE FROM split RETURNING tableoid::regclass;
RESET ROLE;
SELECT user_id FROM split ORDER BY 1;
SELECT tableoid::regclass, * FROM parent ORDER BY 1;

DROP SCHEMA initplan CASCADE;
DROP ROLE initplan_user;
