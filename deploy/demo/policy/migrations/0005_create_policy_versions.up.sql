CREATE TABLE policy_versions (
    policy_id  bigint NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
    version    integer NOT NULL CHECK (version > 0),
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (policy_id, version)
);

INSERT INTO policy_versions (policy_id, version, body)
SELECT id, 1, 'imported: ' || title FROM policies;
