CREATE TABLE deliveries (
    message_id bigint NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    channel_id bigint NOT NULL REFERENCES channels (id),
    state      text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
    tries      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (message_id, channel_id)
);
