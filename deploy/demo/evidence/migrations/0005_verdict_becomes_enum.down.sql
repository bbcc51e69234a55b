ALTER TABLE reviews DROP COLUMN outcome;
DROP TYPE verdict;
