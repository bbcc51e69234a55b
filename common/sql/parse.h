/*
 * parse: a text as libpg_query's tree, in an arena. libpg_query packs its tree into bytes that are
 * to be unpacked again, which takes six times as long as parsing. The tree is copied before that,
 * where the dynamic linker lets us; where it does not, it is unpacked.
 */
#ifndef COMMON_SQL_PARSE_H
#define COMMON_SQL_PARSE_H

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "common/base/arena.h"

/*
 * Null when the text cannot be parsed: said->error is why. The caller frees `said` with
 * pg_query_free_protobuf_parse_result, in both cases. On a deep stack only.
 */
PgQuery__ParseResult *parse(const char *text, struct arena *arena,
                            PgQueryProtobufParseResult *said);

#endif
