-- skein: stage=contract
ALTER TABLE users VALIDATE CONSTRAINT users_email_normalized_set;
