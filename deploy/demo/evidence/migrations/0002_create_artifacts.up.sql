CREATE TABLE artifacts (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collector_id bigint NOT NULL REFERENCES collectors (id),
    collected_at timestamptz NOT NULL DEFAULT now(),
    media_type   text NOT NULL,
    size_bytes   bigint NOT NULL CHECK (size_bytes >= 0),
    location     text NOT NULL
);
