DROP INDEX CONCURRENTLY artifacts_by_collector;
