CREATE TABLE assessments (
    risk_id     bigint NOT NULL REFERENCES risks (id) ON DELETE CASCADE,
    assessed_on date NOT NULL,
    score       smallint NOT NULL CHECK (score BETWEEN 1 AND 25),
    PRIMARY KEY (risk_id, assessed_on)
);
