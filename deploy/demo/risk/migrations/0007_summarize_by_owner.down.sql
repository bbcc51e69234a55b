DROP VIEW risk_by_owner;
