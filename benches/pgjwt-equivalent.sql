-- A signer of pgjwt's shape and cost, for where pgjwt itself isn't at hand (it is in no registry): SQL
-- functions on pgcrypto, three segments in base64url, the algorithm chosen by its name. It signs the
-- same tokens. @extschema@ is where pgcrypto is.

CREATE FUNCTION @extschema@.url_encode(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT translate(encode(data, 'base64'), E'+/=\n', '-_') $$;

CREATE FUNCTION @extschema@.algorithm_sign(message text, secret text, algorithm text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    WITH hash AS (
        SELECT CASE algorithm WHEN 'HS256' THEN 'sha256' WHEN 'HS384' THEN 'sha384' WHEN 'HS512' THEN 'sha512' ELSE '' END
               AS name
    )
    SELECT @extschema@.url_encode(@extschema@.hmac(message, secret, hash.name)) FROM hash
$$;

CREATE FUNCTION @extschema@.sign(payload json, secret text, algorithm text DEFAULT 'HS256') RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    WITH head AS (
        SELECT @extschema@.url_encode(convert_to('{"alg":"' || algorithm || '","typ":"JWT"}', 'utf8')) AS segment
    ), body AS (
        SELECT @extschema@.url_encode(convert_to(payload::text, 'utf8')) AS segment
    ), message AS (
        SELECT head.segment || '.' || body.segment AS text FROM head, body
    )
    SELECT message.text || '.' || @extschema@.algorithm_sign(message.text, secret, algorithm) FROM message
$$;
