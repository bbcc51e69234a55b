INSERT INTO collectors (name) SELECT 'collector-' || n FROM generate_series(1, 25) AS n;

INSERT INTO artifacts (collector_id, collected_at, media_type, size_bytes, location)
SELECT 1 + n % 25, now() - n * interval '10 minutes', 'application/pdf', 1000 + n, 's3://evidence/' || n
FROM generate_series(1, 6000) AS n;

INSERT INTO reviews (artifact_id, reviewer, verdict)
SELECT n, 'reviewer-' || n % 9, (ARRAY['ok', 'no', 'accepted', 'later'])[1 + n % 4]
FROM generate_series(1, 3000) AS n;
