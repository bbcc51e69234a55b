CREATE INDEX CONCURRENTLY risks_open_by_score ON risks (score DESC) WHERE closed_at IS NULL;
