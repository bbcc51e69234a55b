#include "coordinator/cli/error_table.h"

#include <string.h>

#include "coordinator/cli/exit.h"

const struct error_meaning error_table[] = {
    /* The command line. */
    {"E-CLI-USAGE", "the command line makes no sense: something unknown, missing or too much"},
    {"E-CLI-RANGE",
     "a number, time, share or choice on the command line is not among those allowed"},
    {"E-CLI-CONFIRM", "a question would have to be asked and nobody sits at a terminal: add --yes"},
    {"E-CLI-DECLINED", "the question was answered with no; nothing was done"},
    {"E-CLI-FILE", "a file that is named on the command line cannot be read"},
    {"E-OUTPUT", "standard output, or a file to be written, cannot be written"},
    {"E-SECRET-ARGV", "a secret stands on the command line, where every process can read it"},
    {"E-NAME-SYNTAX", "a name has characters that names do not have, or is no text at all"},
    {"E-NAME-TAKEN", "an agent or operator of this name is enrolled already, with another key"},
    {"E-SVC-UNKNOWN", "skein.yaml has no service of this name"},

    /* Configuration and keys. */
    {"E-CFG-OPEN", "a configuration file is missing or cannot be read"},
    {"E-CFG-PERM",
     "somebody else than its owner could have written the file, or could read a secret"},
    {"E-CFG-SYNTAX", "the file is no YAML"},
    {"E-CFG-FEATURE",
     "the file uses a part of YAML that is refused: anchors, aliases, tags, documents"},
    {"E-CFG-DUP", "a key or a name stands there twice"},
    {"E-CFG-UNKNOWN", "a key that nobody knows; the likely one is suggested"},
    {"E-CFG-MISSING", "a key that is needed is missing"},
    {"E-CFG-TYPE", "a value is of another kind than it has to be"},
    {"E-CFG-RANGE", "a value is not among those allowed"},
    {"E-CFG-INCONSISTENT", "two values contradict each other"},
    {"E-CFG-SECRET", "a password stands in a configuration: libpq's own means are for that"},
    {"E-KEY-OPEN", "a key file is missing or cannot be read or made"},
    {"E-KEY-EXISTS", "there is a key file of this name: it is never overwritten"},
    {"E-KEY-FORMAT", "a key is not 64 hex digits, or none that CURVE may use"},
    {"E-KEY-PAIR", "the public and the secret key in a file do not belong together"},
    {"E-KEY-TAKEN", "the key is enrolled already, under another name"},
    {"E-KEY-SERVER-MISMATCH", "who answers at the endpoint does not have the coordinator's key"},

    /* Migration files. */
    {"E-MIG-MISSING", "a folder, a file or a migration that is named or needed is not there"},
    {"E-MIG-OPEN", "a folder or file of migrations cannot be read"},
    {"E-MIG-NAME", "a file in the folder is not called as its layout wants it"},
    {"E-MIG-LAYOUT", "the folder fits no layout, or two, or there is no layout of this name"},
    {"E-MIG-MARK",
     "what another tool marks in its files (-- +goose Up, a plan, a journal) is wrong"},
    {"E-MIG-PLACEHOLDER", "a placeholder in a file that nothing is listed for"},
    {"E-MIG-DUP", "two files are of one version and direction"},
    {"E-MIG-CASE", "two file names differ in nothing but case"},
    {"E-MIG-GAP", "a number between two migrations is missing, and gaps are not allowed"},
    {"E-MIG-PATH", "a path leads out of the project"},
    {"E-MIG-TYPE", "what is called like a migration is no regular file"},
    {"E-MIG-SIZE", "a file is larger than 8 MiB, or all together than a bundle may be"},
    {"E-MIG-COUNT", "more migrations or files than a service may have"},
    {"E-MIG-ENCODING", "a file is not UTF-8, holds a NUL, or what the database's encoding has not"},
    {"E-MIG-LEX", "a quote, a dollar quote or a comment does not end"},
    {"E-MIG-SYNTAX", "PostgreSQL's grammar does not know this"},
    {"E-MIG-COMPLEX", "a statement nests too deeply to be looked at"},
    {"E-MIG-PSQL", "a command or variable of psql, or COPY from or to the client"},
    {"E-MIG-PROGRAM", "COPY … PROGRAM"},
    {"E-MIG-EMPTY", "nothing to carry out, and that is not said to be meant"},
    {"E-MIG-ANNOTATION",
     "a -- skein: comment has a word that is unknown, misplaced or without value"},
    {"E-MIG-IRREVERSIBLE", "there is a down file beside `irreversible`"},
    {"E-MIG-TXCTL", "BEGIN, COMMIT, ROLLBACK, SAVEPOINT … inside a file"},
    {"E-MIG-MIXED", "what cannot run in a transaction stands beside what has to"},
    {"E-MIG-NOTX", "what cannot run in a transaction stands between BEGIN and COMMIT"},
    {"E-MIG-NOTX-UNVERIFIABLE",
     "a statement that cannot run in a transaction and cannot be looked up "
     "after a crash"},
    {"E-MIG-UNNAMED", "an index is built concurrently without a name: it could not be looked up"},
    {"E-MIG-SETTING", "a setting that would undo what Skein promises"},
    {"E-MIG-SECRET", "a password stands in the file"},
    {"E-MIG-OWN-SCHEMA", "a change of the schema skein, which is the journal"},
    {"E-MIG-IDENT", "a name of more than 63 bytes, which PostgreSQL cuts off in silence"},
    {"E-MIG-CHECKSUM", "a migration was changed after it was applied"},
    {"E-MIG-ORDER", "a migration is older than what is applied, or something was applied on top"},
    {"E-MIG-NO-DOWN", "there is no way back from a migration"},
    {"E-MIG-VERIFY", "a check of the verify script is false: the migration was rolled back"},

    /* Patterns. */
    {"E-PATTERN-UNKNOWN", "the library has no pattern of this name"},
    {"E-PATTERN-PARAM", "the pattern has no parameter of this name"},
    {"E-PATTERN-SET", "what stands behind --set is no NAME=VALUE"},
    {"E-PATTERN-DUP", "a parameter is given twice"},
    {"E-PATTERN-MISSING", "a parameter that the pattern needs is not given"},
    {"E-PATTERN-VALUE", "a parameter's value is not of its kind; what is allowed is said"},
    {"E-PATTERN-LAYOUT", "new migrations cannot be written in the layout of the service"},
    {"E-PATTERN-EXISTS", "there is a file of that name already; nothing is overwritten"},

    /* Bundles. */
    {"E-BUNDLE-FORMAT", "the bytes are no bundle"},
    {"E-BUNDLE-UNKNOWN", "the coordinator does not have this bundle"},
    {"E-BUNDLE-SERVICE", "the bundle is of another service"},
    {"E-BUNDLE-UPLOAD", "the coordinator does not take the bundle"},
    {"E-SIG-DIGEST",
     "a bundle does not have the digest that it should have: its bytes were changed"},
    {"E-SIG-LENGTH", "a bundle or a piece of it does not have the length that it should have"},

    /* Who may do what, and reaching each other. */
    {"E-AUTH-NONE",
     "a handshake without an enrolled key, or too many; in the coordinator's log only"},
    {"E-AUTH-REVOKED", "the key is unknown or was revoked"},
    {"E-AUTH-ROLE", "the role of this key does not allow that"},
    {"E-AUTH-KEY", "the coordinator does not let this agent's key in"},
    {"E-AUTH-TYPE", "a message that this kind of peer may not send"},
    {"E-AUTH-STEP", "an agent speaks of a step that is not its own"},
    {"E-NET-UNREACHABLE", "nobody answers; it is said whether the request may have been stored"},
    {"E-NET-INTERRUPTED", "stopped by the user before there was an answer"},
    {"E-NET-LOST", "the connection to the coordinator is lost"},
    {"E-NET-ENDPOINT", "an endpoint is none that one can connect to"},
    {"E-BUSY", "the coordinator has too many questions open: ask again"},
    {"E-PROTO-MAGIC", "a frame is not of this protocol"},
    {"E-PROTO-CLUSTER", "a message is meant for another cluster"},
    {"E-PROTO-TYPE", "a message of an unknown type"},
    {"E-PROTO-DECODE", "a frame is malformed; field and offset are said"},
    {"E-PROTO-LIMIT", "a frame is deeper, larger or longer than one may be"},
    {"E-PROTO-STATE", "a message that has no place in this state of the conversation"},
    {"E-PROTO-VERSION", "the two programs have no version of the protocol in common"},

    /* The fleet, plans and runs. */
    {"E-SEL-SYNTAX", "a selection is not written as name=value,name!=value"},
    {"E-SEL-EMPTY", "no target is selected"},
    {"E-SEL-TOO-MANY", "more targets are selected than --max-targets allows"},
    {"E-AGENT-TWIN", "two processes use one agent's key: it is not listened to for a minute"},
    {"E-AGENT-UNKNOWN", "there is no agent of this name"},
    {"E-OPERATOR-UNKNOWN", "there is no operator of this name"},
    {"E-OPERATOR-LAST", "the last admin cannot be removed"},
    {"E-TARGET-UNKNOWN", "there is no target of this name"},
    {"E-TARGET-BUSY", "another run has the target now"},
    {"E-TARGET-UNREACHABLE", "a target's agent or database did not answer"},
    {"E-TARGET-TOO-MANY", "an agent reports more targets than it may serve"},
    {"E-SURVEY-SIZE", "more migrations are applied to a target than can be told"},
    {"E-PLAN-UNKNOWN", "there is no such plan any more: plans are kept for an hour"},
    {"E-PLAN-RANGE", "shares, waves, a budget, a window or a time zone that cannot be"},
    {"E-PLAN-DUP", "a service is named twice"},
    {"E-PLAN-NOT-READY", "the plan is still being made"},
    {"E-PLAN-STALE", "the fleet has changed since the plan was made"},
    {"E-PLAN-DEPENDS", "a migration depends on another service's that is not applied there"},
    {"E-PLAN-WINDOW", "a migration is thought to take longer than the window of its run or target"},
    {"E-PLAN-REFUSED", "targets cannot take part, and it is not said to go without them"},
    {"E-RUN-UNKNOWN", "there is no such run"},
    {"E-RUN-FINISHED", "the run has ended"},
    {"E-RUN-OPEN", "the run has not ended yet"},
    {"E-RUN-STATE", "the run's present state does not allow that"},
    {"E-RUN-KIND", "a rollback cannot be rolled back: apply the migrations again"},
    {"E-STEP-STATE", "the steps are in a state that does not allow that"},
    {"E-STEP-UNKNOWN", "a result of a step that the coordinator does not know"},
    {"E-STEP-QUEUE", "too many steps wait for one target"},
    {"E-RESULT-CONFLICT", "two results of one step contradict each other; both are kept"},

    /* Batches. */
    {"E-BATCH-KIND",
     "a statement that cannot be cut into batches: no UPDATE, DELETE or INSERT … SELECT"},
    {"E-BATCH-RETURNING", "a batch with RETURNING, which nobody would read"},
    {"E-BATCH-LIMIT", "a batch with LIMIT or OFFSET, which would count, or choose, anew each time"},
    {"E-BATCH-ORDER", "a batch with ORDER BY; it goes in the order of its key"},
    {"E-BATCH-LOCKING", "a batch with FOR UPDATE or its kind"},
    {"E-BATCH-GROUP",
     "a batch that looks at more rows than its own: GROUP BY, DISTINCT, UNION, an aggregate"},
    {"E-BATCH-CTE", "a batch with a WITH query that changes rows"},
    {"E-BATCH-VOLATILE",
     "a batch whose condition calls a function that answers differently each time"},
    {"E-BATCH-SOURCE", "an INSERT … SELECT in batches without a table to go through"},
    {"E-BATCH-JOIN", "a batch along the side of an outer join that may be missing"},
    {"E-BATCH-SELF", "a batch that reads the table that it changes"},
    {"E-BATCH-COMPLEX", "it is not beyond doubt where in the statement the range of the key goes"},
    {"E-BATCH-CTID", "a batch by ctid that would change rows again which it has changed"},
    {"E-BATCH-KEY", "the table of a batch has no key that can be gone along"},
    {"E-BATCH-KEY-CHANGED", "a batch changes the key that it goes along"},
    {"E-BATCH-KEY-MOVED", "a trigger has moved a key out of its batch; the batch was rolled back"},
    {"E-BATCH-TRIGGER",
     "a trigger changes further rows of the table that a batch goes through; it was rolled back"},
    {"E-BATCH-TABLE", "the table of a batch does not exist, or is none"},
    {"E-BATCH-VIEW", "a batch on a view"},
    {"E-BATCH-FOREIGN", "a batch on a foreign table"},
    {"E-BATCH-RULE", "a batch on a table whose rules change what the statement does"},
    {"E-BATCH-GENERATED", "a batch that gives values to a column that only the server gives any"},
    {"E-BATCH-PARTITION", "a batch that would move rows from one partition to another"},
    {"E-BATCH-ROW", "the smallest batch takes longer than four times its time"},
    {"E-BATCH-CHANGED", "the file was changed after a part of its rows had been changed by it"},
    {"E-BATCH-LEFT", "rows still meet the condition after all of them were gone through"},
    {"E-BATCH-CHECK", "all rows were gone through, and the check says false"},

    /* Databases. */
    {"E-DB-CONNINFO", "a connection string that libpq does not understand"},
    {"E-DB-UNREACHABLE", "the database server cannot be reached"},
    {"E-DB-LOST", "the connection to the database was lost"},
    {"E-DB-AUTH", "the database does not let the role in"},
    {"E-DB-PASSFILE", "the passfile can be read by others, so libpq does not use it"},
    {"E-DB-TLS", "the server's certificate or encryption is not as demanded"},
    {"E-DB-PRIV", "the role lacks a right; the GRANT that is needed is said"},
    {"E-DB-STANDBY", "the server is a standby: it takes no writes"},
    {"E-DB-POOLER", "a pooler stands in between: the session is not ours alone"},
    {"E-DB-VERSION", "the server is older than PostgreSQL 12"},
    {"E-DB-WRONG", "another database answers than the one that is meant"},
    {"E-DB-FOREIGN-HISTORY",
     "the journal was copied from another database: template, dump or clone"},
    {"E-DB-DUP-IDENTITY", "two databases claim to be the same target"},
    {"E-DB-CLUSTER", "the target belongs to another coordinator"},
    {"E-DB-TIMELINE", "a former primary answers: the server is on an older timeline than before"},
    {"E-DB-LOST-HISTORY", "commits that were known are gone: a failover or an old backup"},
    {"E-DB-SCHEMA", "a newer Skein has made the schema skein"},
    {"E-DB-BUSY", "the target's lock is held by another session"},
    {"E-DB-CONNECTIONS", "the server has no connection left"},
    {"E-DB-FULL", "the server's disk is full"},
    {"E-DB-MEMORY", "the server is out of memory"},
    {"E-DB-RESTART", "the server is starting or stopping"},
    {"E-DB-QUERY", "a question to the database failed"},
    {"E-HIST-SHAPE", "the tables of the schema skein are not as Skein has made them"},
    {"E-HIST-TAMPERED", "the journal, or what stands as applied, was changed by somebody"},
    {"E-ADOPT-NEEDED", "another tool has applied migrations here that the journal does not know"},
    {"E-ADOPT-NONE", "there is no table of the tool whose layout the files have"},
    {"E-ADOPT-AMBIGUOUS", "several tables may be the tool's; say which in skein.yaml"},
    {"E-ADOPT-FAILED", "the tool itself says that a migration was left half done (dirty, failed)"},
    {"E-ADOPT-UNKNOWN", "the tool has applied something of which there is no file"},
    {"E-ADOPT-CHECKSUM", "a file is not as it was when the tool applied it"},
    {"E-ADOPT-BEHIND", "the journal has a migration that the tool's table has not"},
    {"E-ADOPT-CHANGED", "the tool's table and the journal do not agree: the tool was used since"},
    {"E-ADOPT-BUSY", "the tool works on this database: its lock is held"},
    {"E-ADOPT-PRIV", "the role may not read or write the tool's table; the GRANT is said"},
    {"E-SQL", "a statement failed: SQLSTATE, file:line:column, rolled back"},
    {"E-DB-PREFLIGHT",
     "something stands against a change now: a replica that is behind, a replication "
     "slot, the archiver, a prepared transaction, a right; the agent's `preflight` "
     "says what is refused"},
    {"E-SQL-LOCK", "a lock was not to be had within its budget; who held it is said"},
    {"E-SQL-TIMEOUT", "a statement or a migration took longer than it may"},
    {"E-SQL-DEADLOCK", "a deadlock with another session"},
    {"E-SQL-SERIALIZATION", "concurrent changes; the step is tried again"},
    {"E-SQL-CANCELLED", "somebody has cancelled the statement"},
    {"E-SQL-PRIV",
     "the role may not do what a statement needs; the GRANT is said, where it can be known"},
    {"E-SQL-INDEX",
     "an index that was built concurrently is invalid, or one dropped is still there"},
    {"E-SQL-ABORTED", "the server answered COMMIT with ROLLBACK"},
    {"E-SQL-TXCTL", "a migration has left its transaction; it cannot be told what is kept"},
    {"E-STOPPED", "stopped on request; nothing is left of it"},
    {"E-STEP-VOID", "an agent has found nothing of this attempt: it may not begin any more"},
    {"E-FENCED", "a newer coordinator has been here: nothing was done"},
    {"E-EPOCH-COLLISION", "two coordinators claim the same epoch"},

    /* The daemons. */
    {"E-STORE-LOCKED", "another process has the store open"},
    {"E-STORE-PERM", "the store cannot be written, or others could"},
    {"E-STORE-FS", "the store lies on a file system that forgets, or shares badly"},
    {"E-STORE-FULL", "the disk of the store is full"},
    {"E-STORE-FOREIGN", "the store is of another cluster, or of another program"},
    {"E-STORE-NEWER", "a newer Skein has made the store"},
    {"E-STORE-REGRESSED", "the store is older than it was here before: a backup was put back"},
    {"E-STORE-CORRUPT", "the store is damaged"},
    {"E-STORE-TAMPERED",
     "somebody else has changed a row of the store, or the key that would tell is gone"},
    {"E-STORE-INSPECTED", "the coordinator was started to show its store: nothing can be changed"},
    {"E-STORE-BUSY", "the store was locked for longer than 5 s"},
    {"E-STORE-IO", "the disk of the store fails"},
    {"E-STORE-SQL", "a mistake of ours in asking the store"},
    {"E-CACHE-OPEN", "the agent's cache folder cannot be used"},
    {"E-CACHE-LOCKED", "another agent uses the cache folder"},
    {"E-CACHE-FULL", "there is no room for a bundle in the agent's cache"},
    {"E-CACHE-IO", "the disk of the agent's cache fails"},
    {"E-LISTEN", "a socket cannot listen where it is told to"},
    {"E-GATE", "the check of keys at the door does not work"},
    {"E-GATE-OPEN", "the door does not keep strangers out: the program does not go on"},
    {"E-RLIMIT", "the limit of open files is too small"},
    {"E-BUG", "a mistake of ours: please report it"},
    {"E-LIB-VERSION", "a library is too old, or was built without what is needed"},
};
const size_t error_count = sizeof error_table / sizeof *error_table;

const struct error_meaning *
error_table_find(const char *code)
{
    for (size_t i = 0; i < error_count; i++) {
        if (text_equal(error_table[i].code, code)) {
            return &error_table[i];
        }
    }
    return NULL;
}

/* What goes together on the page: by the longest prefix of its codes. */
static const struct family {
    const char *title, *advice;
    const char *prefixes[12];
} families[] = {
    {"The command line",
     "Nothing was done. `skein help COMMAND` says what is allowed.",
     {"E-CLI-", "E-OUTPUT", "E-SECRET-", "E-NAME-", "E-SVC-"}},
    {"Configuration and keys",
     "Nothing was opened. The error names file, line and column and what is allowed there; "
     "`skein-coordinator --check` and `skein-agent --check` read without starting.",
     {"E-CFG-", "E-KEY-"}},
    {"Migration files",
     "Nothing was brought to the coordinator. All of a folder is read before anything is said, so "
     "that it is put right in one go; what is harmless can be accepted "
     "([migrations.md](migrations.md)).",
     {"E-MIG-"}},
    {"Backfills",
     "What was refused before the first batch has changed nothing. Afterwards the batches "
     "that were committed stay, and whoever applies the migration again goes on behind them "
     "([backfill.md](backfill.md)).",
     {"E-BATCH-"}},
    {"New migrations",
     "Nothing was written. `skein patterns NAME` says what a pattern wants to know.",
     {"E-PATTERN-"}},
    {"Bundles",
     "Ask again: a bundle is brought and fetched anew, and verified as a whole before it is used.",
     {"E-BUNDLE-", "E-SIG-"}},
    {"Who may do what, and reaching each other",
     "Look whether the coordinator runs, which endpoint and keys the context or the agent's "
     "configuration has, and who is enrolled: `skein agents`, `skein operators`. E-PROTO-… are "
     "programs that do not fit together, or a mistake of ours.",
     {"E-AUTH-", "E-NET-", "E-BUSY", "E-PROTO-"}},
    {"The fleet, plans and runs",
     "Nothing has changed. `skein targets` and `skein status` say how things are; then ask for "
     "what fits, or make the plan again.",
     {"E-SEL-", "E-AGENT-", "E-OPERATOR-", "E-TARGET-", "E-SURVEY-", "E-PLAN-", "E-RUN-", "E-STEP-",
      "E-RESULT-"}},
    {"Databases",
     "Nothing was begun there. `skein-agent --check` tries every database of an agent; the agent "
     "looks again by itself, and what waits goes on when the database is well.",
     {"E-DB-", "E-HIST-"}},
    {"Databases that another tool has migrated",
     "Nothing was changed. `skein adopt --dry-run` shows what the tool's table says and everything "
     "that does not agree; [adopting](adopting.md) goes through it.",
     {"E-ADOPT-"}},
    {"Steps",
     "Rolled back, unless the error says what stays. `skein log RUN --failing` shows file, line, "
     "column and statement. Mend the database and `skein retry RUN`, or mend the file and apply "
     "again.",
     {"E-SQL", "E-MIG-VERIFY", "E-STOPPED", "E-FENCED", "E-EPOCH-"}},
    {"The daemons",
     "The daemon's log has it, and its exit status when it ends: 3 refused, 5 in use by another, "
     "70 a mistake of ours, 74 the disk has failed. Mend the cause and start it again: what was "
     "going on goes on.",
     {"E-STORE-", "E-CACHE-", "E-LISTEN", "E-GATE", "E-RLIMIT", "E-BUG", "E-LIB-"}},
};

static const struct family *
family_of(const char *code)
{
    const struct family *family = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        for (const char *const *prefix = families[i].prefixes; *prefix; prefix++) {
            if (strlen(*prefix) > longest && text_starts_with(code, *prefix)) {
                longest = strlen(*prefix);
                family = &families[i];
            }
        }
    }
    return family;
}

void
error_table_markdown(struct text *out)
{
    text_append(out, "# Errors\n\n"
                     "*Printed by `skein debug errors --format markdown`; `skein help CODE` says "
                     "one of them.*\n\n"
                     "An error is a code, what is wrong, where, what was found or is allowed, and "
                     "a hint what to do next. The last column is the exit status that it leads to "
                     "([what they mean](cli.md#exit-status)).\n");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        text_format(out, "\n## %s\n\n%s\n\n| code | meaning | exit |\n|---|---|---|\n",
                    families[i].title, families[i].advice);
        for (size_t j = 0; j < error_count; j++) {
            if (family_of(error_table[j].code) == &families[i]) {
                text_format(out, "| %s | %s | %d |\n", error_table[j].code, error_table[j].sentence,
                            exit_status_of(error_table[j].code));
            }
        }
    }
}
