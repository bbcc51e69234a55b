DROP INDEX CONCURRENTLY risks_open_by_score;
