INSERT INTO frameworks (code, title, edition)
VALUES ('soc2', 'SOC 2', '2017'), ('iso27001', 'ISO/IEC 27001', '2022'), ('pci', 'PCI DSS', '4.0');

INSERT INTO controls (framework_id, code, title)
SELECT f.id, f.code || '-' || n, 'Control ' || n FROM frameworks AS f, generate_series(1, 80) AS n;

INSERT INTO policies (title, status, owner_email, published_at)
SELECT 'Policy ' || n, (ARRAY['draft', 'review', 'published', 'retired'])[1 + n % 4]::policy_status,
       'owner' || n % 17 || '@example.com', now() - n * interval '1 day'
FROM generate_series(1, 600) AS n;

INSERT INTO policy_controls (policy_id, control_id)
SELECT n, 1 + (n * 7) % 240 FROM generate_series(1, 600) AS n;
