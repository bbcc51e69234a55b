-- skein: stage=expand lock_timeout=2s
ALTER TABLE users ADD COLUMN email_verified boolean NOT NULL DEFAULT false;
