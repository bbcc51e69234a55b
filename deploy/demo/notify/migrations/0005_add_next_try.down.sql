ALTER TABLE deliveries DROP COLUMN next_try_at;
