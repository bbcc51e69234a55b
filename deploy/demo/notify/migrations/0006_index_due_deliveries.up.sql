CREATE INDEX CONCURRENTLY deliveries_due ON deliveries (next_try_at) WHERE state = 'queued';
