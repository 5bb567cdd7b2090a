\set user random(1, 5000)
SELECT pgjwt.sign(json_build_object('sub', :user::text, 'role', 'authenticated', 'exp', 4102444800), 'a jwt secret of the benchmarks, 42 bytes..', 'HS256');
