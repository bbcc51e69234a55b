DROP VIEW open_policy_exceptions;
DROP TABLE policy_exceptions;
