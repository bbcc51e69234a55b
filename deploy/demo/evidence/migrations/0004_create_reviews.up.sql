CREATE TABLE reviews (
    artifact_id bigint NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
    reviewer    text NOT NULL,
    verdict     text NOT NULL,
    reviewed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (artifact_id, reviewer)
);
