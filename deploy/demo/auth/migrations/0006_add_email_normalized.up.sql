-- skein: stage=expand
ALTER TABLE users ADD COLUMN email_normalized text;

UPDATE users SET email_normalized = lower(btrim(email)) WHERE email_normalized IS NULL;
