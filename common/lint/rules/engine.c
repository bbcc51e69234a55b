/* What the engine itself finds: files that cannot be read or run, and allowances. */
#include "common/lint/rules/rules.h"

const struct rule rules_engine[] = {
    {.id = RULE_SYNTAX,
     .name = "syntax",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_ENGINE,
     .parts = ON_ALL,
     .why =
         "Skein reads files with PostgreSQL's own grammar, that of 15, and refuses what it cannot "
         "read before a rollout, not in the middle of one.",
     .instead = "Correct the statement. What only psql understands (\\i, \\copy, :variables) and "
                "rows of COPY FROM STDIN have to be written as SQL; syntax that is newer than "
                "PostgreSQL 15 cannot be looked at.",
     .bad = "CREATE TABEL users (id bigint);\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\n",
     .also = "squawk syntax-error"},
    {.id = RULE_REFUSED,
     .name = "refused",
     .severity = SEVERITY_ERROR,
     .scope = RULE_OF_ENGINE,
     .parts = ON_ALL,
     .why = "Skein refuses to carry this file out, because it could not do so safely or could not "
            "find out after a crash what has become of it.",
     .instead = "See the code in brackets in docs/errors.md. Some refusals can be accepted for "
                "all old files of a service with `accept` in skein.yaml.",
     .bad = "BEGIN;\nCREATE TABLE users (id bigint PRIMARY KEY);\nROLLBACK;\n",
     .good = "CREATE TABLE users (id bigint PRIMARY KEY);\n",
     .also =
         "squawk transaction-nesting, ban-concurrent-index-creation-in-transaction; Atlas PG103, "
         "TX101"},
    {.id = RULE_ALLOW_UNUSED,
     .name = "allow-unused",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_ENGINE,
     .parts = ON_ALL,
     .why = "An allowance that allows nothing will one day hide what nobody has looked at.",
     .instead = "Remove the `allow`, or put it above the statement that it is about.",
     .bad = "-- skein: allow=SK010 reason=\"an old table\"\n"
            "CREATE TABLE users (id bigint PRIMARY KEY);\n",
     .good = "-- skein: allow=SK010 reason=\"ten rows\"\n"
             "CREATE INDEX countries_name ON countries (name);\n"},
    {.id = RULE_ALLOW_EXPIRED,
     .name = "allow-expired",
     .severity = SEVERITY_WARNING,
     .scope = RULE_OF_ENGINE,
     .parts = ON_ALL,
     .why = "The day that somebody has set for looking at this again is over.",
     .instead = "Put the statement right, or give a new reason and a new day.",
     .bad = "-- skein: allow=SK010 reason=\"until the table grows\" until=2020-01-31\n"
            "CREATE INDEX countries_name ON countries (name);\n",
     .good = "-- skein: allow=SK010 reason=\"until the table grows\" until=9999-01-31\n"
             "CREATE INDEX countries_name ON countries (name);\n"},
    {.id = RULE_ALLOW_BARE,
     .name = "allow-without-reason",
     .severity = SEVERITY_NOTE,
     .scope = RULE_OF_ENGINE,
     .parts = ON_ALL,
     .why = "Whoever reads the file next wants to know why a danger was taken.",
     .instead = "-- skein: allow=SK010 reason=\"the table has ten rows\" until=2027-01-31",
     .bad = "-- skein: allow=SK010\nCREATE INDEX countries_name ON countries (name);\n",
     .good = "-- skein: allow=SK010 reason=\"ten rows\"\n"
             "CREATE INDEX countries_name ON countries (name);\n"},
    {0}};
