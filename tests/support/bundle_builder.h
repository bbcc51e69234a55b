/*
 * bundle_builder: bundles from texts in a test, without files and without a parser: statements are
 * separated by two semicolons, and what those are about that run outside a transaction, and
 * which table ALTER, DROP and LOCK TABLE lock, is read off their words.
 */
#ifndef TESTS_SUPPORT_BUNDLE_BUILDER_H
#define TESTS_SUPPORT_BUNDLE_BUILDER_H

#include "common/migration/bundle.h"

/*
 * One migration: "CREATE TABLE a (i int);; INSERT INTO a VALUES (1)"; null texts are not there. One
 * whose version begins with "R__" is repeatable.
 */
struct sketch {
    const char *version, *up, *down, *verify;
    uint64_t lock_timeout_ms, timeout_ms;
    const char *told_by,
        *cleanup; /* the up's first statement is STATEMENT_VERIFIED by this query */
};

/* The caller owns the result. Names are "m_<version>", paths "<version>.up.sql" and so on. */
struct bundle *bundle_of(const struct sketch *sketches, size_t count);

#endif
