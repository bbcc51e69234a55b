#include "coordinator/cli/exit.h"

#include <string.h>

#include "common/base/text.h"

static const struct {
    const char *prefix;
    int status;
} table[] = {
    {"E-CLI-", EXIT_USAGE},
    {"E-SECRET-", EXIT_USAGE},
    {"E-NAME-", EXIT_REFUSED},
    {"E-NAME-TAKEN", EXIT_CONFLICT},
    {"E-SVC-", EXIT_REFUSED},
    {"E-CFG-", EXIT_REFUSED},
    {"E-KEY-", EXIT_REFUSED},
    {"E-KEY-TAKEN", EXIT_CONFLICT},
    {"E-KEY-SERVER-MISMATCH", EXIT_UNREACHABLE},
    {"E-MIG-", EXIT_REFUSED},
    {"E-MIG-VERIFY", EXIT_FAILED},
    {"E-BATCH-", EXIT_REFUSED},
    {"E-BATCH-CHECK", EXIT_FAILED},
    {"E-BATCH-KEY-MOVED", EXIT_FAILED},
    {"E-BATCH-LEFT", EXIT_FAILED},
    {"E-BATCH-ROW", EXIT_FAILED},
    {"E-BATCH-TRIGGER", EXIT_FAILED},
    {"E-PATTERN-", EXIT_REFUSED},
    {"E-PATTERN-SET", EXIT_USAGE},
    {"E-PATTERN-EXISTS", EXIT_CONFLICT},
    {"E-BUNDLE-", EXIT_REFUSED},
    {"E-SIG-", EXIT_REFUSED},
    {"E-AUTH-", EXIT_NOT_ALLOWED},
    {"E-NET-", EXIT_UNREACHABLE},
    {"E-BUSY", EXIT_UNREACHABLE},
    {"E-PROTO-", EXIT_BUG},
    {"E-PROTO-CLUSTER", EXIT_CONFLICT},
    {"E-PROTO-VERSION", EXIT_CONFLICT},
    {"E-SEL-", EXIT_REFUSED},
    {"E-AGENT-", EXIT_CONFLICT},
    {"E-OPERATOR-", EXIT_CONFLICT},
    {"E-TARGET-", EXIT_CONFLICT},
    {"E-TARGET-UNREACHABLE", EXIT_UNREACHABLE},
    {"E-PLAN-", EXIT_CONFLICT},
    {"E-PLAN-RANGE", EXIT_REFUSED},
    {"E-PLAN-DUP", EXIT_REFUSED},
    {"E-RUN-", EXIT_CONFLICT},
    {"E-STEP-", EXIT_CONFLICT},
    {"E-RESULT-CONFLICT", EXIT_CONFLICT},
    {"E-DB-CONNINFO", EXIT_REFUSED},
    {"E-DB-UNREACHABLE", EXIT_UNREACHABLE},
    {"E-DB-RESTART", EXIT_UNREACHABLE},
    {"E-DB-CONNECTIONS", EXIT_UNREACHABLE},
    {"E-DB-LOST", EXIT_UNREACHABLE},
    {"E-DB-AUTH", EXIT_NOT_ALLOWED},
    {"E-DB-PASSFILE", EXIT_NOT_ALLOWED},
    {"E-DB-TLS", EXIT_NOT_ALLOWED},
    {"E-DB-PRIV", EXIT_NOT_ALLOWED},
    {"E-DB-STANDBY", EXIT_CONFLICT},
    {"E-DB-POOLER", EXIT_CONFLICT},
    {"E-DB-VERSION", EXIT_CONFLICT},
    {"E-DB-WRONG", EXIT_CONFLICT},
    {"E-DB-FOREIGN-HISTORY", EXIT_CONFLICT},
    {"E-DB-DUP-IDENTITY", EXIT_CONFLICT},
    {"E-DB-CLUSTER", EXIT_CONFLICT},
    {"E-DB-TIMELINE", EXIT_CONFLICT},
    {"E-DB-LOST-HISTORY", EXIT_CONFLICT},
    {"E-DB-SCHEMA", EXIT_CONFLICT},
    {"E-HIST-", EXIT_CONFLICT},
    {"E-ADOPT-", EXIT_CONFLICT},
    {"E-ADOPT-PRIV", EXIT_NOT_ALLOWED},
    {"E-FENCED", EXIT_CONFLICT},
    {"E-EPOCH-COLLISION", EXIT_CONFLICT},
    {"E-STORE-INSPECTED", EXIT_CONFLICT},
    {"E-BUG", EXIT_BUG},
};

static const char *const meanings[] = {
    [EXIT_DONE] = "done",
    [EXIT_FINDINGS] = "findings: a check has found something",
    [EXIT_USAGE] = "usage: the command line makes no sense; nothing was done",
    [EXIT_REFUSED] = "the input is refused; nothing has changed",
    [EXIT_NOT_ALLOWED] = "not allowed",
    [EXIT_CONFLICT] = "it does not fit the present state; nothing has changed",
    [EXIT_UNREACHABLE] = ("unreachable, or the outcome is not known: the error says whether the "
                          "request may have been stored, and how to ask again"),
    [EXIT_FAILED] = "the operation failed",
};

int
exit_status_of(const char *code)
{
    int status = EXIT_FAILED;
    size_t longest = 0;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t size = strlen(table[i].prefix);
        if (size > longest && text_starts_with(code, table[i].prefix)) {
            longest = size;
            status = table[i].status;
        }
    }
    return status;
}

/* From what only has to be waited for to what never should have been. */
static int
gravity(int status)
{
    static const int order[] = {EXIT_DONE,     EXIT_FINDINGS,    EXIT_UNREACHABLE,
                                EXIT_CONFLICT, EXIT_NOT_ALLOWED, EXIT_REFUSED,
                                EXIT_USAGE,    EXIT_FAILED,      EXIT_BUG};

    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (order[i] == status) {
            return (int)i;
        }
    }
    return 0;
}

int
exit_status_gravest(int a, int b)
{
    return gravity(a) >= gravity(b) ? a : b;
}

const char *
exit_meaning(int status)
{
    if (status == EXIT_BUG) {
        return "a bug of ours: please report it";
    }
    if (status < 0 || status >= (int)(sizeof meanings / sizeof *meanings)) {
        return NULL;
    }
    return meanings[status];
}
