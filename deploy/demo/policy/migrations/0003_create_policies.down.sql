DROP TABLE policies;
DROP TYPE policy_status;
