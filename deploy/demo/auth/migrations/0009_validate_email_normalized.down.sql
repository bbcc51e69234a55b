-- A validated constraint is no weaker than one that is not; its removal is the migration before.
ALTER TABLE users DROP CONSTRAINT users_email_normalized_set;
ALTER TABLE users ADD CONSTRAINT users_email_normalized_set CHECK (email_normalized IS NOT NULL) NOT VALID;
