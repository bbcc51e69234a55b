ALTER TABLE policies DROP COLUMN review_due;
