CREATE TYPE channel_kind AS ENUM ('email', 'chat', 'webhook');

CREATE TABLE channels (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    channel_kind NOT NULL,
    address text NOT NULL,
    UNIQUE (kind, address)
);
