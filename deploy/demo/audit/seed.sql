INSERT INTO actors (kind, reference)
SELECT (ARRAY['user', 'service', 'system'])[1 + n % 3], 'actor-' || n FROM generate_series(1, 200) AS n;

INSERT INTO events (occurred_at, actor_id, action, subject, detail)
SELECT timestamptz '2025-06-01' + n * interval '1 hour', 1 + n % 200,
       (ARRAY['login.success', 'login.failure', 'policy.read', 'evidence.upload'])[1 + n % 4],
       'subject-' || n % 999, jsonb_build_object('n', n)
FROM generate_series(1, 8000) AS n;
