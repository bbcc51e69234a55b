CREATE TABLE organizations (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug       text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]{2,63}$'),
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
