INSERT INTO organizations (slug, name)
SELECT 'org-' || n, 'Organization ' || n FROM generate_series(1, 20) AS n;

INSERT INTO users (organization_id, email, display_name)
SELECT 1 + n % 20, 'User.' || n || '@Example.com ', 'User ' || n FROM generate_series(1, 4000) AS n;

INSERT INTO sessions (id, user_id, expires_at)
SELECT gen_random_uuid(), 1 + n % 4000, now() + interval '1 day' FROM generate_series(1, 3000) AS n;
