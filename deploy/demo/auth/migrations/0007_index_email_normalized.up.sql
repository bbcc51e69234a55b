CREATE INDEX CONCURRENTLY users_by_email_normalized ON users (email_normalized);
