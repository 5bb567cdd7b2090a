-- The start of a request, as PostgREST plays it: the token in :token is verified, its claims become a
-- setting of the transaction, and the rest runs as the role that the token names.
BEGIN;
SELECT better_auth.verify_jwt(:'token') AS claims \gset
SELECT :'claims'::jsonb ->> 'role' AS role \gset
SELECT set_config('request.jwt.claims', :'claims', true) AS claims \gset
SET LOCAL ROLE :"role";
