ALTER TABLE users DROP CONSTRAINT users_email_normalized_set;
