INSERT INTO assets (name, owner_email, criticality)
SELECT 'asset-' || n, 'owner' || n % 31 || '@example.com', 1 + n % 5 FROM generate_series(1, 500) AS n;

INSERT INTO risks (asset_id, title, likelihood, impact)
SELECT 1 + n % 500, 'Risk ' || n, 1 + n % 5, 1 + (n * 3) % 5 FROM generate_series(1, 5000) AS n;
