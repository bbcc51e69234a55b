CREATE TABLE policy_exceptions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    policy_id  bigint NOT NULL REFERENCES policies (id),
    reason     text NOT NULL CHECK (length(reason) >= 10),
    granted_by text NOT NULL,
    expires_on date NOT NULL
);

CREATE VIEW open_policy_exceptions AS
SELECT e.*, p.title FROM policy_exceptions AS e JOIN policies AS p ON p.id = e.policy_id
WHERE e.expires_on >= current_date;
