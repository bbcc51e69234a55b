CREATE INDEX CONCURRENTLY policies_by_review_due ON policies (review_due) WHERE status = 'published';
