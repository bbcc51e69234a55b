CREATE INDEX CONCURRENTLY events_2026_by_request ON events_2026 (request_id) WHERE request_id IS NOT NULL;
