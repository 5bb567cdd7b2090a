-- A signer and verifier of pgjwt's shape and cost, for where pgjwt itself isn't at hand (it is in no registry): SQL
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

-- The CTE, here and above, keeps the planner from putting the body in place of the call, as pgjwt's do.
CREATE FUNCTION @extschema@.url_decode(data text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    WITH standard AS (SELECT translate(data, '-_', '+/') AS text)
    SELECT decode(rpad(text, (length(text) + 3) / 4 * 4, '='), 'base64') FROM standard
$$;

-- As of 0.2.0, a time that is no number counts as none, and that takes a subtransaction for each.
CREATE FUNCTION @extschema@.time_or_null(seconds text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN to_timestamp(seconds::double precision);
EXCEPTION
    WHEN OTHERS THEN RETURN NULL;
END $$;

CREATE FUNCTION @extschema@.verify(token text, secret text, algorithm text DEFAULT 'HS256')
RETURNS TABLE (header json, payload json, valid boolean) LANGUAGE sql STABLE AS $$
    SELECT head, body,
           signature = @extschema@.algorithm_sign(signed, secret, algorithm)
           AND tstzrange(@extschema@.time_or_null(body ->> 'nbf'), @extschema@.time_or_null(body ->> 'exp')) @> now()
    FROM regexp_split_to_array(token, '\.') segment,
         LATERAL (SELECT convert_from(@extschema@.url_decode(segment[1]), 'utf8')::json AS head,
                         convert_from(@extschema@.url_decode(segment[2]), 'utf8')::json AS body,
                         segment[1] || '.' || segment[2] AS signed, segment[3] AS signature) part
$$;
