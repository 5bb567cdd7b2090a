\set n random(1, 1000)
SELECT better_auth.verify_api_key(md5('k' || :n) || md5('l' || :n));
