-- List and revoke sessions: only one's own.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' AS a1 \gset
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' AS a2 \gset
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' AS a3 \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS g1 \gset

CREATE FUNCTION pg_temp.left_over() RETURNS TABLE (email text, sessions bigint) LANGUAGE sql AS $$
    SELECT u.email, count(s.id) FROM better_auth."user" u LEFT JOIN better_auth.session s ON s."userId" = u.id GROUP BY 1 ORDER BY 1
$$;

SELECT jsonb_path_query_array(better_auth.list_sessions(:'a1'), '$[*].token') = jsonb_build_array(:'a1', :'a2', :'a3') AS oldest_first;
-- Expired ones are not listed.
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 hour' WHERE token = :'a3';
SELECT jsonb_array_length(better_auth.list_sessions(:'a1')) AS live;
-- Not after a day without a new sign-in, unless the setting says so.
UPDATE better_auth.session SET "createdAt" = now() - interval '25 hours' WHERE token = :'a1';
SELECT better_auth.list_sessions(:'a1');
\echo :SQLSTATE
SET better_auth.session_fresh_age = 0;
SELECT jsonb_array_length(better_auth.list_sessions(:'a1')) AS live;
RESET better_auth.session_fresh_age;

-- A foreign or unknown token: the same answer, and nothing happens.
SELECT better_auth.revoke_session(:'a1', :'g1');
SELECT better_auth.revoke_session(:'a1', 'unknown');
SELECT * FROM pg_temp.left_over();
SELECT better_auth.revoke_session(:'a1', NULL);
\echo :SQLSTATE
SELECT better_auth.revoke_session(:'a1', :'a2');
SELECT better_auth.get_session(:'a2') IS NULL AS revoked;
SELECT better_auth.revoke_other_sessions(:'a1');
SELECT * FROM pg_temp.left_over();
SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' AS a2 \gset
SELECT better_auth.revoke_sessions(:'a2');
SELECT * FROM pg_temp.left_over();

-- More than Better Auth's limit of 100.
INSERT INTO better_auth.session (id, token, "userId", "expiresAt", "updatedAt")
SELECT 'many' || n, 'many' || n, u.id, now() + interval '1 day', now()
FROM better_auth."user" u, generate_series(1, 150) n WHERE u.email = 'grace@example.com';
SELECT jsonb_array_length(better_auth.list_sessions(:'g1')) AS live;
SELECT better_auth.revoke_other_sessions(:'g1');
SELECT * FROM pg_temp.left_over();

-- Without a live session.
SELECT better_auth.list_sessions(:'a1');
\echo :SQLSTATE
SELECT better_auth.revoke_session('nope', :'g1');
SELECT better_auth.revoke_sessions(NULL);
SELECT better_auth.revoke_other_sessions('');
SELECT * FROM pg_temp.left_over();

-- Sign-out always succeeds.
SELECT better_auth.sign_out(:'g1');
SELECT better_auth.sign_out(:'g1');
SELECT better_auth.sign_out(NULL);
SELECT * FROM pg_temp.left_over();
DELETE FROM better_auth."user";
