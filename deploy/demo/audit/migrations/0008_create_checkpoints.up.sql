CREATE TABLE checkpoints (
    sequence   bigint PRIMARY KEY CHECK (sequence > 0),
    last_event bigint NOT NULL,
    digest     bytea NOT NULL CHECK (octet_length(digest) = 32),
    taken_at   timestamptz NOT NULL DEFAULT now()
);
