DROP TABLE policy_controls;
