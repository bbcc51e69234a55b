CREATE TABLE treatments (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    risk_id bigint NOT NULL REFERENCES risks (id) ON DELETE CASCADE,
    kind    text NOT NULL CHECK (kind IN ('accept', 'avoid', 'mitigate', 'transfer')),
    note    text NOT NULL DEFAULT ''
);
