CREATE INDEX events_by_actor ON events (actor_id, occurred_at DESC);
