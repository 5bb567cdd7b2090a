\set user random(1, 5000)
SELECT better_auth.sign_jwt(jsonb_build_object('sub', :user::text, 'role', 'authenticated', 'exp', 4102444800));
