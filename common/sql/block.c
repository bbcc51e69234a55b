#include "common/sql/block.h"

#include <pg_query.h>
#include <string.h>

#include "common/base/mem.h"

bool
block_ends_transaction(const char *text, size_t size)
{
    CLEANUP(mem_free) char *copy = mem_zalloc(size + 1);
    bool ends = false;

    memcpy(copy, text, size);
    /* Most have neither word in them, and need no second parser. */
    if (!strcasestr(copy, "commit") && !strcasestr(copy, "rollback")) {
        return false;
    }
    PgQueryPlpgsqlParseResult result = pg_query_parse_plpgsql(copy);
    if (!result.error && result.plpgsql_funcs) {
        ends = strstr(result.plpgsql_funcs, "PLpgSQL_stmt_commit") ||
               strstr(result.plpgsql_funcs, "PLpgSQL_stmt_rollback");
    }
    pg_query_free_plpgsql_parse_result(result);
    return ends;
}
