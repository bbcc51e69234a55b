SELECT count(*) = 0 FROM users WHERE email_normalized IS NULL;
