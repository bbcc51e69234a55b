CREATE TYPE policy_status AS ENUM ('draft', 'review', 'published', 'retired');

CREATE TABLE policies (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title        text NOT NULL,
    status       policy_status NOT NULL DEFAULT 'draft',
    owner_email  text NOT NULL,
    published_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now()
);
