ALTER TABLE deliveries ADD COLUMN next_try_at timestamptz;

UPDATE deliveries SET next_try_at = now() WHERE state = 'queued';
