INSERT INTO channels (kind, address)
SELECT (ARRAY['email', 'chat', 'webhook'])[1 + n % 3]::channel_kind, 'address-' || n FROM generate_series(1, 300) AS n;

INSERT INTO messages (topic, body)
SELECT 'topic-' || n % 12, jsonb_build_object('n', n) FROM generate_series(1, 4000) AS n;

INSERT INTO deliveries (message_id, channel_id, state)
SELECT n, 1 + n % 300, (ARRAY['queued', 'sent', 'failed'])[1 + n % 3] FROM generate_series(1, 4000) AS n;
