SELECT better_auth.sign_in_email('ada@example.com', 'correct horse battery');
