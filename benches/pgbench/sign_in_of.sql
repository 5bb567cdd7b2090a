\set user random(1, :users)
SELECT better_auth.sign_in_email('user' || :user || '@example.com', 'correct horse battery');
