#include <inttypes.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "agent/execute/sitting.h"

/*
 * Commits that were known and are gone: a failover has lost them, or a backup was put back. What is
 * there now is the truth from here on; but what was about to be done came after what is lost, so
 * it is not done before somebody has planned anew.
 */

void
sitting_note_loss(struct sitting *sitting, uint64_t number)
{
    log_error("target %s: rows of the journal up to %" PRIu64 " are gone: commits were lost, by a"
              " failover or because a backup was put back",
              sitting->config.name, number);
    sitting->has_lost_history = true;
}

bool
sitting_prove_row(struct sitting *sitting, uint64_t number, const uint8_t hash[CHECKSUM_SIZE],
                  struct error *error)
{
    CLEANUP(text_release) struct text sql = {0};
    struct connection *connection = sitting->connection;
    struct patience patience = sitting_patience();
    char text[2 * CHECKSUM_SIZE + 1];

    if (number <= sitting->proved_count || sitting->has_lost_history) {
        return true;
    }
    text_hex(hash, CHECKSUM_SIZE, text);
    text_format(&sql,
                "SELECT EXISTS (SELECT FROM skein.journal WHERE number = %" PRIu64
                " AND hash = '\\x%s')",
                number, text);
    if (!connection_run(connection, text_of(&sql), &patience)) {
        return sitting_query_failed(sitting, "cannot read the journal", error);
    }
    if (connection_is_true(connection, 0, 0, 0)) {
        sitting->proved_count = number;
    } else {
        sitting_note_loss(sitting, number);
    }
    return true;
}

bool
sitting_check_history(const struct sitting *sitting, struct error *error)
{
    if (!sitting->has_lost_history) {
        return true;
    }
    error_set(error, "E-DB-LOST-HISTORY", "commits that were known are not there any more");
    error_where(error, "%s", connection_place(sitting->connection));
    return error_hint(error, "a failover has lost them, or a backup was put back: plan again, which"
                             " begins with what is there now");
}
