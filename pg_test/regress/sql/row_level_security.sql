-- The main job: two users, one table, each request as PostgREST plays it.
CREATE ROLE regress_authenticated;
CREATE ROLE regress_anon;
CREATE TABLE posts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL DEFAULT requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE,
    title text NOT NULL
);
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_posts ON posts TO regress_authenticated
    USING (user_id = requesting_user_id()) WITH CHECK (user_id = requesting_user_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON posts TO regress_authenticated;
SET better_auth.jwt_role = 'regress_authenticated';
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') AS ada,
       better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') AS grace \gset
SELECT better_auth.verify_jwt(better_auth.bridge_token(:'ada'::jsonb ->> 'token')) AS ada_claims,
       better_auth.verify_jwt(better_auth.bridge_token(:'grace'::jsonb ->> 'token')) AS grace_claims,
       :'ada'::jsonb #>> '{user,id}' AS ada_id \gset

BEGIN;
SET LOCAL ROLE regress_authenticated;
SELECT set_config('request.jwt.claims', :'ada_claims', true) IS NOT NULL AS set;
INSERT INTO posts (title) VALUES ('Ada''s post');
SELECT title FROM posts;
COMMIT;

BEGIN;
SET LOCAL ROLE regress_authenticated;
SELECT set_config('request.jwt.claims', :'grace_claims', true) IS NOT NULL AS set;
SELECT title FROM posts;
UPDATE posts SET title = 'stolen';
DELETE FROM posts;
INSERT INTO posts (title) VALUES ('Grace''s post');
SELECT title FROM posts;
SAVEPOINT s;
INSERT INTO posts (user_id, title) VALUES (:'ada_id', 'in another''s name');
ROLLBACK TO s;
-- The data API's role reaches nothing of the users.
SELECT * FROM better_auth."user";
ROLLBACK TO s;
SELECT better_auth.sign_jwt('{"sub": "x"}');
ROLLBACK TO s;
COMMIT;

-- Without claims: no rows, no insert.
BEGIN;
SET LOCAL ROLE regress_authenticated;
SELECT count(*) FROM posts;
INSERT INTO posts (title) VALUES ('nobody''s');
ROLLBACK;
BEGIN;
SET LOCAL ROLE regress_anon;
SELECT count(*) FROM posts;
ROLLBACK;

-- A policy is the reason why DROP EXTENSION asks first.
DROP EXTENSION better_auth;
DROP TABLE posts;
DROP ROLE regress_authenticated;
DROP ROLE regress_anon;
RESET ALL;
DELETE FROM better_auth."user";
