CREATE TABLE policy_controls (
    policy_id  bigint NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
    control_id bigint NOT NULL REFERENCES controls (id) ON DELETE CASCADE,
    PRIMARY KEY (policy_id, control_id)
);

CREATE INDEX policy_controls_by_control ON policy_controls (control_id);
