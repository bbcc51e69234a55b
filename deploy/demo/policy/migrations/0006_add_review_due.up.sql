ALTER TABLE policies ADD COLUMN review_due date;

UPDATE policies SET review_due = (coalesce(published_at, created_at) + interval '1 year')::date
WHERE status IN ('published', 'review');
