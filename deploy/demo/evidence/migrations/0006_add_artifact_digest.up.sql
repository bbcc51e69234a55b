ALTER TABLE artifacts ADD COLUMN digest bytea;

ALTER TABLE artifacts ADD CONSTRAINT artifacts_digest_size CHECK (octet_length(digest) = 32) NOT VALID;
