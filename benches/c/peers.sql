-- What peers.c has.
CREATE FUNCTION bench.noop() RETURNS text LANGUAGE c STABLE AS :'library';
CREATE FUNCTION bench.notext() RETURNS text LANGUAGE c STABLE AS :'library';
CREATE FUNCTION bench.libargon2(password text) RETURNS text LANGUAGE c STRICT AS :'library';
