-- A database of `-v users=N` users with an account each and `-v sessions=M` sessions. Session i has the token
-- md5(i), user i the id md5('u' || i): spread over the indexes as random ones are.

CREATE EXTENSION better_auth;
LOAD 'better_auth';
ALTER DATABASE :"DBNAME" SET better_auth.rate_limit = off;

-- No look-up of each session's user, and no index that grows row by row: minutes less.
SET session_replication_role = replica;
SET maintenance_work_mem = '512MB';
ALTER TABLE better_auth.session DROP CONSTRAINT session_pkey, DROP CONSTRAINT session_token_key;
DROP INDEX better_auth."session_userId_idx";

INSERT INTO better_auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
SELECT md5('u' || i), 'User ' || i, 'user' || i || '@example.com', true, now(), now()
FROM generate_series(1, :users) i;
INSERT INTO better_auth.account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
SELECT md5('a' || i), md5('u' || i), 'credential', md5('u' || i), hash, now(), now()
FROM generate_series(1, :users) i, better_auth.hash_password('correct horse battery') hash;
INSERT INTO better_auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "ipAddress", "userAgent", "userId")
SELECT md5('s' || i), now() + '7 days', md5(i::text), now(), now(), '127.0.0.1',
       'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
       md5('u' || (i % :users + 1))
FROM generate_series(1, :sessions) i;

-- As better_auth.migrate() makes them.
ALTER TABLE better_auth.session ADD CONSTRAINT session_pkey PRIMARY KEY (id),
    ADD CONSTRAINT session_token_key UNIQUE (token);
CREATE INDEX "session_userId_idx" ON better_auth.session ("userId");
VACUUM (ANALYZE, FREEZE);
