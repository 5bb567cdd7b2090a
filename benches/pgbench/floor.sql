\set session random(1, 5000)
SELECT s.*, u.* FROM better_auth.session s JOIN better_auth."user" u ON u.id = s."userId" WHERE s.token = lpad(:session::text, 32, 'A');
