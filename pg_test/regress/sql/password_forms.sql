-- The stored forms of a password: each verifies, and sign-in brings it to what the setting names.
-- needs extension pgcrypto
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada') ->> 'token' IS NOT NULL AS signed_up;

CREATE FUNCTION pg_temp.signs_in() RETURNS text LANGUAGE sql AS $$
    SELECT better_auth.sign_in_email('ada@example.com', 'password1234') ->> 'token' IS NOT NULL
        || ', stored: ' || CASE WHEN password LIKE '$%' THEN split_part(password, '$', 2) ELSE 'scrypt' END
    FROM better_auth.account
$$;

-- Better Auth's own hash (shared/better-auth/vectors.json).
UPDATE better_auth.account SET password = 'de710638b3e0896fe5a5d15334a113ae:2647966bb9b374d0e62aa1dda6e8e6131df016bceb2228632ab5ec98a227ec749158d4e0a108568c275598314ec542df833ec1874be2d37e0fd7de1e98caf615';
SELECT pg_temp.signs_in();
SELECT split_part(password, '$', 2) AS rehashed FROM better_auth.account;

-- A bcrypt hash, as imported users have, made by pgcrypto.
CREATE EXTENSION pgcrypto;
UPDATE better_auth.account SET password = crypt('password1235', gen_salt('bf', 4));
SELECT pg_temp.signs_in();
UPDATE better_auth.account SET password = crypt('password1234', gen_salt('bf', 4));
SELECT pg_temp.signs_in();
SELECT split_part(password, '$', 2) AS rehashed FROM better_auth.account;
DROP EXTENSION pgcrypto;

-- An argon2id hash with less memory than ours (made by Python's argon2-cffi).
UPDATE better_auth.account SET password = '$argon2id$v=19$m=1024,t=2,p=2$Y8X2resKQ/R/qSXwKu4iEA$vzaMDIUQMQ15ycI4XJyM3xRRnmF3Hr4epFOPpFF9208';
SELECT pg_temp.signs_in();
SELECT split_part(password, '$', 4) AS rehashed FROM better_auth.account;

-- For DBAs.
SELECT better_auth.verify_password_hash('password1234', better_auth.hash_password('password1234')) AS right,
       better_auth.verify_password_hash('password1235', better_auth.hash_password('password1234')) AS wrong,
       better_auth.verify_password_hash('password1234', 'not a hash') AS no_hash;

-- For a database that a Better Auth server uses too.
SET better_auth.password_hash = 'scrypt';
SELECT better_auth.hash_password('password1234') ~ '^[0-9a-f]{32}:[0-9a-f]{128}$' AS scrypt;
UPDATE better_auth.account SET password = better_auth.hash_password('password1234');
SELECT pg_temp.signs_in();
SELECT password ~ '^[0-9a-f]{32}:' AS still_scrypt FROM better_auth.account;
RESET better_auth.password_hash;

SET better_auth.password_hash = 'md5';
DELETE FROM better_auth."user";
