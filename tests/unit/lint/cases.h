/* cases: the rows of test_rules.c: a rule, how many findings, the files. */

/* What was made in the same migration, or in the one before it, is new. */
{"SK010", 0,
 "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
 "CREATE INDEX users_email ON users (email);\n"},
    {"SK010", 0,
     "-- file: 0001_users.up.sql\n"
     "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
     "-- file: 0002_index.up.sql\n"
     "CREATE INDEX users_email ON users (email);\n"},
    {"SK010", 1,
     "-- file: 0001_users.up.sql\n"
     "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n"
     "-- file: 0002_other.up.sql\n"
     "CREATE TABLE other (id bigint PRIMARY KEY);\n"
     "-- file: 0003_index.up.sql\n"
     "CREATE INDEX users_email ON users (email);\n"},
    {"SK010", 2, "CREATE INDEX a ON users (a);\nCREATE UNIQUE INDEX b ON users (b);\n"},
    {"SK010", 0, "CREATE TEMPORARY TABLE t (a integer);\nCREATE INDEX a ON t (a);\n"},
    {"SK011", 1,
     "-- file: 0001_a.up.sql\nCREATE INDEX CONCURRENTLY a ON users (a);\n"
     "-- file: 0001_a.down.sql\nDROP INDEX a;\n"},
