\set session random(1, :sessions)
SELECT better_auth.get_session(md5(:session::text));
