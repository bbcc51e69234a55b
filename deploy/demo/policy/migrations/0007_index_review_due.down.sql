DROP INDEX CONCURRENTLY policies_by_review_due;
