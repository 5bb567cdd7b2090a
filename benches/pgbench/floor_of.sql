\set session random(1, :sessions)
SELECT s.*, u.* FROM better_auth.session s JOIN better_auth."user" u ON u.id = s."userId" WHERE s.token = md5(:session::text);
