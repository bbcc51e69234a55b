#include "common/postgres/schema.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define MAKE_MS 30000

#define DIGITS(number) #number
#define TEXT_OF(number) DIGITS(number)

/*
 * The journal is the truth: `migration` is what it says is applied, with the journal row that made
 * it so. A step has at most one verdict per attempt, whatever is said twice; an intent is none.
 */
static const char tables[] =
    "CREATE TABLE skein.identity ("
    " is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),"
    " schema_version integer NOT NULL,"
    " target_id uuid NOT NULL,"
    " cluster_id uuid,"
    " system_identifier bigint NOT NULL,"
    " database_oid oid NOT NULL,"
    " created_at timestamptz NOT NULL DEFAULT now());"
    "CREATE TABLE skein.fence ("
    " is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),"
    " epoch bigint NOT NULL,"
    " instance uuid NOT NULL);"
    "CREATE TABLE skein.migration ("
    " version text COLLATE \"C\" PRIMARY KEY,"
    " name text NOT NULL,"
    " checksum bytea NOT NULL,"
    " applied_at timestamptz NOT NULL,"
    " step_id uuid NOT NULL,"
    " journal_number bigint NOT NULL);"
    "CREATE TABLE skein.journal ("
    " number bigint PRIMARY KEY,"
    " step_id uuid NOT NULL,"
    " attempt bigint NOT NULL,"
    " version text COLLATE \"C\" NOT NULL,"
    " name text NOT NULL,"
    " checksum bytea NOT NULL,"
    " direction text NOT NULL CHECK (direction IN ('up', 'down')),"
    " state text NOT NULL CHECK (state IN ('intent', 'done', 'failed', 'void')),"
    " statement integer NOT NULL,"
    " statement_count integer NOT NULL,"
    " cursor text,"
    " duration_us bigint NOT NULL,"
    " error text,"
    " outcome bytea,"
    " recorded_at timestamptz NOT NULL,"
    " previous_hash bytea NOT NULL,"
    " hash bytea NOT NULL);"
    "CREATE UNIQUE INDEX journal_verdict ON skein.journal (step_id, attempt)"
    " WHERE state <> 'intent';"
    "CREATE INDEX journal_intent ON skein.journal (step_id) WHERE state = 'intent';";

static const char first_rows[] =
    "INSERT INTO skein.fence (epoch, instance)"
    " VALUES (0, '00000000-0000-0000-0000-000000000000');"
    "INSERT INTO skein.identity"
    " (schema_version, target_id, system_identifier, database_oid) SELECT"
    " " TEXT_OF(
        SCHEMA_VERSION) ", '%s',"
                        " (SELECT system_identifier FROM pg_control_system()),"
                        " (SELECT oid FROM pg_database WHERE datname = current_database());";

static struct patience
patience_ms(int64_t ms)
{
    return (struct patience){.deadline_ms = clock_now_ms() + ms, .heeds_interrupt = true};
}

static bool
is_made_by_another(const char *sqlstate)
{
    /* It exists; a name does; a table's type does, and the table was not there yet. */
    static const char *const states[] = {"42P06", "42P07", "23505", "42710"};

    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (strcmp(states[i], sqlstate) == 0) {
            return true;
        }
    }
    return false;
}

static bool
cannot_create(struct connection *connection, bool has_schema, struct error *error)
{
    const struct sql_error *fact = connection_error(connection);

    if (fact->canceled == CANCEL_INTERRUPT) {
        error_set(error, "E-STOPPED", "stopped while the schema skein was made");
    } else if (fact->is_lost || fact->canceled == CANCEL_DEADLINE) {
        error_set(error, "E-DB-LOST", "the connection was lost: %s", fact->message);
    } else if (strcmp(fact->sqlstate, "42501") == 0) {
        error_set(error, "E-DB-PRIV", "the schema skein cannot be made: %s", fact->message);
        const char *user = connection_user(connection);
        if (has_schema) {
            error_hint(error, "GRANT USAGE, CREATE ON SCHEMA skein TO \"%s\"", user);
        } else {
            error_hint(error, "GRANT CREATE ON DATABASE \"%s\" TO \"%s\"",
                       connection_database(connection), user);
        }
    } else {
        error_set(error, "E-DB-SCHEMA", "the schema skein cannot be made: %s (%s)", fact->message,
                  fact->sqlstate);
    }
    return error_where(error, "%s", connection_place(connection));
}

bool
schema_create(struct connection *connection, const struct id *target_id, struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    char id[ID_TEXT_SIZE];
    struct patience patience = patience_ms(MAKE_MS);

    if (!connection_run(connection, "SELECT to_regnamespace('skein')", &patience)) {
        return cannot_create(connection, true, error);
    }
    bool has_schema = connection_cell(connection, 0, 0, 0);
    text_append(&sql, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;");
    if (!has_schema) {
        text_append(&sql, "CREATE SCHEMA skein;"
                          "COMMENT ON SCHEMA skein IS"
                          " 'what Skein has done to this database; not to be changed by hand';");
    }
    text_append(&sql, tables);
    text_format(&sql, first_rows, id_text(target_id, id));
    text_append(&sql, "COMMIT");
    if (connection_run(connection, text_of(&sql), &patience)) {
        return true;
    }
    bool is_there = !connection_is_lost(connection) &&
                    is_made_by_another(connection_error(connection)->sqlstate);
    if (!is_there) {
        cannot_create(connection, has_schema, error);
    }
    (void)connection_run(connection, "ROLLBACK", &patience);
    return is_there;
}
