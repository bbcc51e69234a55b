-- skein: stage=contract
ALTER TABLE users ADD CONSTRAINT users_email_normalized_set CHECK (email_normalized IS NOT NULL) NOT VALID;
