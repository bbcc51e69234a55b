CREATE TABLE users (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations (id),
    email           text NOT NULL,
    display_name    text NOT NULL DEFAULT '',
    password_hash   text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, email)
);

COMMENT ON COLUMN users.password_hash IS 'argon2id; null for users who sign in through an identity provider';
