CREATE TABLE retention_rules (
    action_prefix text PRIMARY KEY,
    keep_for      interval NOT NULL CHECK (keep_for >= interval '30 days')
);

INSERT INTO retention_rules (action_prefix, keep_for)
VALUES ('', interval '7 years'), ('login.', interval '400 days');
