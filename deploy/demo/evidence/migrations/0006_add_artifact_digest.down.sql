ALTER TABLE artifacts DROP COLUMN digest;
