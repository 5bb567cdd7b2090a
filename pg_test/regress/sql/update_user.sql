-- What users change about themselves, as Better Auth's POST /update-user: name and image.
SELECT better_auth.sign_up_email('ada@example.com', 'password1234', 'Ada', image => 'https://x.example/a.png') ->> 'token' AS ada \gset
SELECT better_auth.sign_up_email('grace@example.com', 'password1234', 'Grace') ->> 'token' AS grace \gset
CREATE VIEW pg_temp.users AS SELECT email, name, image, "updatedAt" > "createdAt" AS changed FROM better_auth."user" ORDER BY email;

-- What is left out, or NULL, stays as it is.
SELECT better_auth.update_user(:'ada', name => 'Ada Lovelace');
SELECT * FROM pg_temp.users;
SELECT better_auth.update_user(:'ada', image => 'https://x.example/b.png');
SELECT * FROM pg_temp.users;
SELECT better_auth.update_user(:'ada', additional_fields => '{"name": "Countess", "image": null}');
SELECT * FROM pg_temp.users;
-- An argument comes before the same field of additional_fields.
SELECT better_auth.update_user(:'ada', 'Argument', additional_fields => '{"name": "field"}');
SELECT better_auth.update_user(:'ada', name => '', image => '');
SELECT * FROM pg_temp.users;
SELECT better_auth.get_session(:'ada') #>> '{user,name}' AS name;

-- Refused, and nothing is changed.
SELECT better_auth.update_user(:'ada');
\echo :SQLSTATE
SELECT better_auth.update_user(:'ada', additional_fields => '{}');
SELECT better_auth.update_user(:'ada', 'x', additional_fields => '[]');
\echo :SQLSTATE
SELECT better_auth.update_user(:'ada', 'x', additional_fields => '"text"');
SELECT better_auth.update_user(:'ada', 'x', additional_fields => 'null');
SELECT better_auth.update_user(:'ada', 'x', additional_fields => '{"email": "eve@example.com"}');
\echo :SQLSTATE
SELECT better_auth.update_user(:'ada', additional_fields => '{"name": 1, "image": {}}');
\echo :SQLSTATE
SELECT better_auth.update_user(:'ada', additional_fields => '{"name": null}');
SELECT better_auth.update_user(:'ada', repeat('a', 65537));
-- Not additional fields: id and the times are passed over, so is an email that is none.
SELECT better_auth.update_user(:'ada', additional_fields => '{"id": "x", "emailVerified": true, "createdAt": "2000-01-01", "email": ""}');
SELECT email, name, "emailVerified" FROM better_auth."user" ORDER BY email;

-- The session comes first.
SELECT better_auth.update_user('nope', additional_fields => '{"email": "eve@example.com"}');
\echo :SQLSTATE
SELECT better_auth.update_user(NULL, 'x');
SELECT better_auth.update_user('', 'x');
UPDATE better_auth.session SET "expiresAt" = now() - interval '1 second' WHERE token = :'grace';
SELECT better_auth.update_user(:'grace', 'x');
SELECT better_auth.sign_out(:'ada');
SELECT better_auth.update_user(:'ada', 'x');
SELECT * FROM pg_temp.users;
DELETE FROM better_auth."user";
