CREATE INDEX CONCURRENTLY artifacts_by_collector ON artifacts (collector_id, collected_at DESC);
