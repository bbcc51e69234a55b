CREATE TYPE verdict AS ENUM ('accepted', 'rejected', 'needs_more');

ALTER TABLE reviews ADD COLUMN outcome verdict;

UPDATE reviews SET outcome = CASE
    WHEN verdict IN ('ok', 'accepted') THEN 'accepted'::verdict
    WHEN verdict IN ('no', 'rejected') THEN 'rejected'::verdict
    ELSE 'needs_more'::verdict
END;
