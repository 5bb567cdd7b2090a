\set session random(1, 5000)
SELECT better_auth.get_session(lpad(:session::text, 32, 'A'));
