CREATE TABLE legal_holds (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    matter     text NOT NULL,
    placed_at  timestamptz NOT NULL DEFAULT now(),
    lifted_at  timestamptz,
    CHECK (lifted_at IS NULL OR lifted_at > placed_at)
);

CREATE TABLE legal_hold_artifacts (
    hold_id     bigint NOT NULL REFERENCES legal_holds (id),
    artifact_id bigint NOT NULL REFERENCES artifacts (id),
    PRIMARY KEY (hold_id, artifact_id)
);
