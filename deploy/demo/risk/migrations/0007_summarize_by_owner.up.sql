CREATE VIEW risk_by_owner AS
SELECT a.owner_email, count(*) AS open_risks, max(r.score) AS worst
FROM risks AS r JOIN assets AS a ON a.id = r.asset_id
WHERE r.closed_at IS NULL GROUP BY a.owner_email;
