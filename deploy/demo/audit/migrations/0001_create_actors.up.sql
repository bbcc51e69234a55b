CREATE TABLE actors (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('user', 'service', 'system')),
    reference  text NOT NULL,
    UNIQUE (kind, reference)
);
