CREATE TABLE quiet_hours (
    channel_id bigint PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    starts_at  time NOT NULL,
    ends_at    time NOT NULL,
    time_zone  text NOT NULL DEFAULT 'UTC',
    CHECK (starts_at <> ends_at)
);
