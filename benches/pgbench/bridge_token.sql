\set session random(1, 5000)
SELECT better_auth.bridge_token(lpad(:session::text, 32, 'A'));
