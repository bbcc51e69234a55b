#include "agent/execute/batch_range.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"

/* ---- points ---------------------------------------------------------------------------------- */

static void
append_columns(const struct batch_leaf *leaf, const char *before, const char *behind,
               struct text *sql)
{
    for (size_t i = 0; i < leaf->key_count; i++) {
        text_format(sql, "%s%s%s%s", i ? ", " : "", before, leaf->columns[i], behind);
    }
}

void
batch_range_ask_end(const struct batch_leaf *leaf, bool is_by_ctid, struct text *sql)
{
    if (is_by_ctid) {
        text_format(sql,
                    "SELECT pg_relation_size(%" PRIu64
                    ") / current_setting('block_size')::bigint WHERE pg_relation_size(%" PRIu64
                    ") > 0;",
                    leaf->oid, leaf->oid);
        return;
    }
    /* With the table in front: a column of the answer, which is text, has the same name. */
    text_append(sql, "SELECT ");
    append_columns(leaf, "k.", "::text", sql);
    text_format(sql, " FROM %s AS k ORDER BY ", leaf->quoted);
    append_columns(leaf, "k.", " DESC", sql);
    text_append(sql, " LIMIT 1;");
}

/* A point's columns from `first` on. */
static void
append_point(struct connection *connection, const struct batch_leaf *leaf, size_t first,
             const struct batch_point *point, struct text *sql)
{
    bool is_row = leaf->key_count - first > 1;

    text_append(sql, is_row ? "(" : "");
    for (size_t i = first; i < leaf->key_count; i++) {
        text_append(sql, i > first ? ", " : "");
        connection_literal(connection, sql, point->values[i]);
        text_format(sql, "::%s", leaf->types[i]);
    }
    text_append(sql, is_row ? ")" : "");
}

/*
 * The key's columns from `first` on compared with a point. Of several columns the first is compared
 * by itself, too: that is what the planner's statistics know about, and what partitions go by.
 */
static void
append_comparison(struct connection *connection, const struct batch_leaf *leaf, size_t first,
                  const char *prefix, const char *comparison, const struct batch_point *point,
                  struct text *sql)
{
    bool is_row = leaf->key_count - first > 1;

    text_append(sql, is_row ? "(" : "");
    for (size_t i = first; i < leaf->key_count; i++) {
        text_format(sql, "%s%s%s", i > first ? ", " : "", prefix, leaf->columns[i]);
    }
    text_format(sql, "%s %s ", is_row ? ")" : "", comparison);
    append_point(connection, leaf, first, point, sql);
    if (is_row) {
        text_format(sql, " AND %s%s %c= ", prefix, leaf->columns[first], comparison[0]);
        connection_literal(connection, sql, point->values[first]);
        text_format(sql, "::%s", leaf->types[first]);
    }
}

/*
 * How many of the first columns have one value in the whole range: a large tenant, say. Compared
 * for equality they let the planner see how few rows it is, which a comparison of rows does not.
 */
static size_t
count_fixed(const struct batch_range *range)
{
    size_t count = 0;

    while (range->from.count && count + 1 < range->leaf->key_count &&
           strcmp(range->from.values[count], range->to.values[count]) == 0) {
        count++;
    }
    return count;
}

static void
append_range(struct connection *connection, const struct batch_range *range, const char *prefix,
             struct text *sql)
{
    const struct batch_leaf *leaf = range->leaf;

    if (range->is_by_ctid) {
        text_format(sql, "%sctid >= '(%s,0)'::tid AND %sctid < '(%s,0)'::tid", prefix,
                    range->from.count ? range->from.values[0] : "0", prefix, range->to.values[0]);
        return;
    }
    size_t fixed = count_fixed(range);
    for (size_t i = 0; i < fixed; i++) {
        text_format(sql, "%s%s = ", prefix, leaf->columns[i]);
        connection_literal(connection, sql, range->to.values[i]);
        text_format(sql, "::%s AND ", leaf->types[i]);
    }
    if (range->from.count) {
        append_comparison(connection, leaf, fixed, prefix, ">", &range->from, sql);
        text_append(sql, " AND ");
    }
    append_comparison(connection, leaf, fixed, prefix, "<=", &range->to, sql);
}

void
batch_range_ask_next(struct connection *connection, const struct batch_range *range, uint64_t size,
                     struct text *sql)
{
    /* Only the one row that is found becomes text, not those that are passed over. */
    text_append(sql, "SELECT ");
    append_columns(range->leaf, "k.", "::text", sql);
    text_append(sql, " FROM (SELECT ");
    append_columns(range->leaf, "k.", "", sql);
    text_format(sql, " FROM %s AS k WHERE ", range->leaf->quoted);
    append_range(connection, range, "k.", sql);
    text_append(sql, " ORDER BY ");
    append_columns(range->leaf, "k.", "", sql);
    text_format(sql, " OFFSET %" PRIu64 " LIMIT 1) AS k;", size - 1);
}

bool
batch_range_read(const struct connection *connection, size_t answer, struct arena *arena,
                 struct batch_point *point)
{
    *point = (struct batch_point){0};
    if (connection_row_count(connection, answer) == 0) {
        return false;
    }
    for (size_t i = 0; i < BATCH_KEY_MAX; i++) {
        const char *value = connection_cell(connection, answer, 0, i);
        if (!value) {
            break;
        }
        point->values[point->count++] = arena_text(arena, value);
    }
    return true;
}

bool
batch_point_equal(const struct batch_point *a, const struct batch_point *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (strcmp(a->values[i], b->values[i]) != 0) {
            return false;
        }
    }
    return a->count == b->count;
}

/* ---- the statement --------------------------------------------------------------------------- */

/*
 * A row that was changed and would be changed again by a later batch: its key was moved out of the
 * range, or, when its place is the key, it still meets the condition.
 */
static bool
append_again(const struct batch_run *run, const struct batch_range *range, struct batch_text *text)
{
    const struct seam *seam = &run->batch->seam;

    if (!run->batch->subject.changed) {
        return false;
    }
    if (range->is_by_ctid) {
        text_append(&text->returning, "((");
        text_append_bytes(&text->returning, run->text + seam->open,
                          (size_t)(seam->close - seam->open));
        text_append(&text->returning, ") IS TRUE) AS skein_again");
        return true;
    }
    if (range->leaf->may_move_key) {
        text_format(&text->returning, "((%s) IS NOT TRUE) AS skein_again", text_of(&text->range));
    }
    return range->leaf->may_move_key;
}

void
batch_text_compose(struct batch_run *run, const struct batch_range *range, struct batch_text *text)
{
    CLEANUP(text_release) struct text prefix = {0};

    *text = (struct batch_text){0};
    text_format(&prefix, "%s.", run->batch->seam.reference);
    append_range(run->try->sitting->connection, range, text_of(&prefix), &text->range);
    text->filling.range = text_of(&text->range);
    text->filling.table = run->table.is_divided ? range->leaf->quoted : NULL;
    if (append_again(run, range, text)) {
        text->is_checked = true;
        text->filling.returning = text_of(&text->returning);
        text->filling.before = "WITH skein_changed AS (";
        text->filling.behind = ") SELECT count(*), count(*) FILTER (WHERE skein_again)"
                               " FROM skein_changed";
    }
    seam_compose(&run->batch->seam, run->text, (size_t)run->statement->size, &text->filling,
                 &text->sql);
}

void
batch_text_release(struct batch_text *text)
{
    text_release(&text->sql);
    text_release(&text->range);
    text_release(&text->returning);
}

static bool
begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

uint64_t
batch_text_origin(const struct batch_run *run, const struct batch_text *text, uint64_t position)
{
    const char *composed = text_of(&text->sql);
    uint64_t character = 0;
    size_t at = 0;

    if (!position) {
        return 0;
    }
    for (; composed[at]; at++) {
        character += begins_character(composed[at]);
        if (character == position) {
            break;
        }
    }
    size_t origin =
        seam_origin(&run->batch->seam, (size_t)run->statement->size, &text->filling, at);
    character = 1;
    for (size_t i = 0; i < origin; i++) {
        character += begins_character(run->text[i]);
    }
    return character;
}

/* ---- afterwards ------------------------------------------------------------------------------ */

bool
batch_range_ask_left(const struct batch_run *run, struct text *sql)
{
    const struct seam *seam = &run->batch->seam;

    if (run->batch->excludes == EXCLUDES_NO || !seam->has_where || !run->batch->is_alone) {
        return false;
    }
    text_append(sql, "SELECT count(*) FROM ");
    text_append_bytes(sql, run->text + seam->table_begin,
                      (size_t)(seam->table_end - seam->table_begin));
    text_format(sql, " AS %s WHERE (", seam->reference);
    text_append_bytes(sql, run->text + seam->open, (size_t)(seam->close - seam->open));
    text_append(sql, ")");
    return true;
}
