#include "common/migration/adoption.h"

#include <string.h>

#include "common/base/mem.h"

/* What the table and the journal say of one migration. */
struct standing {
    const struct history_row *row; /* null: the table does not have it */
    bool is_marked;                /* it is below the mark */
    bool is_known;                 /* to the journal */
    bool is_edited;                /* its file has another checksum than the row */
};

const struct migration *
adoption_find(const struct manifest *manifest, const struct history_tool *tool, const char *key)
{
    for (size_t i = 0; i < manifest->migration_count; i++) {
        const char *own = migration_key(&manifest->migrations[i], tool->key);
        if (own && history_same_key(own, key)) {
            return &manifest->migrations[i];
        }
    }
    return NULL;
}

/* ---- what does not agree --------------------------------------------------------------------- */

static bool
refuse_failed(const struct adoption_wish *wish, const struct history_row *row,
              struct error_list *problems)
{
    struct error error;

    error_set(&error, "E-ADOPT-FAILED", "%s says that %s was left half done", wish->tool->name,
              row->label ? row->label : row->key);
    error_where(&error, "%s", wish->where);
    error_hint(&error, "%s",
               wish->tool->again ? wish->tool->again : "repair it with the tool itself");
    return error_list_add(problems, &error);
}

static bool
refuse_unknown(const struct adoption_wish *wish, const struct history_row *row,
               struct error_list *problems)
{
    const struct manifest *manifest = wish->manifest;
    struct error error;

    error_set(&error, "E-ADOPT-UNKNOWN", "%s is applied, and there is no file of it",
              row->label ? row->label : row->key);
    error_where(&error, "%s", wish->where);
    if (manifest->migration_count > 0) {
        error_found(&error, "files: %s to %s", manifest->migrations[0].version,
                    manifest->migrations[manifest->migration_count - 1].version);
    }
    error_hint(&error, "bring the file back; or is this another service's database?");
    return error_list_add(problems, &error);
}

static bool
refuse_checksum(const struct adoption_wish *wish, const struct migration *migration,
                const struct history_row *row, struct error_list *problems)
{
    struct error error;

    error_set(&error, "E-ADOPT-CHECKSUM", "%s was changed after it was applied",
              migration->version);
    error_where(&error, "%s", migration->up.path);
    error_found(&error, "%.64s, recorded %.64s", migration_key(migration, wish->tool->checksum),
                row->checksum);
    error_hint(&error, "restore the file as it was applied; or, when the change does not matter:"
                       " --edited takes the files as they are now");
    return error_list_add(problems, &error);
}

static bool
refuse_behind(const struct adoption_wish *wish, const struct migration *migration,
              struct error_list *problems)
{
    struct error error;

    error_set(&error, "E-ADOPT-BEHIND", "%s is applied by the journal, and not by %s's table",
              migration->version, wish->tool->name);
    error_where(&error, "%s", wish->where);
    error_hint(&error, "was it taken back with the tool: --trust table; was it not mirrored:"
                       " --trust journal");
    return error_list_add(problems, &error);
}

/* ---- rows to migrations ---------------------------------------------------------------------- */

static bool
has_checksum(const struct adoption_wish *wish, const struct migration *migration,
             const struct history_row *row)
{
    const char *own = wish->tool->checksum ? migration_key(migration, wish->tool->checksum) : NULL;

    return !own || !row->checksum || strcmp(own, row->checksum) == 0;
}

/* Numbers with dots between: what is left out is 0. */
static int
compare_dotted(const char *a, const char *b)
{
    while (*a || *b) {
        size_t size_a = strspn(a, "0123456789"), size_b = strspn(b, "0123456789");
        size_t zeros_a = strspn(a, "0"), zeros_b = strspn(b, "0");
        size_t left = size_a > zeros_a ? size_a - zeros_a : 0;
        size_t right = size_b > zeros_b ? size_b - zeros_b : 0;
        int order = left != right ? (left > right) - (left < right)
                                  : strncmp(a + zeros_a, b + zeros_b, left);
        if (order) {
            return order;
        }
        a += size_a + (a[size_a] != '\0');
        b += size_b + (b[size_b] != '\0');
    }
    return 0;
}

/* A baseline: what is older was there before the tool was. */
static bool
stand_below(const struct adoption_wish *wish, const struct history_row *row,
            struct standing *standings)
{
    for (size_t i = 0; i < wish->manifest->migration_count; i++) {
        const char *key = migration_key(&wish->manifest->migrations[i], wish->tool->key);
        bool is_version = key && key[0] >= '0' && key[0] <= '9';
        if (is_version && compare_dotted(key, row->key) <= 0) {
            standings[i].is_marked = true;
        }
    }
    return true;
}

/* A short key of old times: all whose keys begin with it; false when there is none. */
static bool
stand_prefix(const struct adoption_wish *wish, const struct history_row *row,
             struct standing *standings)
{
    size_t size = wish->tool->prefix_size;
    bool is_any = false;

    for (size_t i = 0; size && strlen(row->key) == size && i < wish->manifest->migration_count;
         i++) {
        const char *key = migration_key(&wish->manifest->migrations[i], wish->tool->key);
        if (key && strncmp(key, row->key, size) == 0) {
            standings[i].row = row;
            is_any = true;
        }
    }
    return is_any;
}

static bool
stand_migration(const struct adoption_wish *wish, const struct migration *migration,
                const struct history_row *row, struct standing *standings,
                struct error_list *problems)
{
    size_t index = (size_t)(migration - wish->manifest->migrations);
    bool is_same = has_checksum(wish, migration, row);

    if (!is_same && row->is_repeatable) {
        return true; /* the text has changed: it is to be carried out again */
    }
    standings[index].row = row;
    for (size_t i = 0; wish->tool->is_mark && i <= index; i++) {
        standings[i].is_marked = true;
    }
    standings[index].is_edited = !is_same;
    return is_same || wish->takes_edited || refuse_checksum(wish, migration, row, problems);
}

static bool
stand_row(const struct adoption_wish *wish, const struct history_row *row,
          struct standing *standings, struct error_list *problems)
{
    if (row->has_failed) {
        return refuse_failed(wish, row, problems);
    }
    if (row->is_below) {
        return stand_below(wish, row, standings);
    }
    const struct migration *migration = adoption_find(wish->manifest, wish->tool, row->key);
    if (migration) {
        return stand_migration(wish, migration, row, standings, problems);
    }
    return stand_prefix(wish, row, standings) || wish->passes_unknown ||
           refuse_unknown(wish, row, problems);
}

static void
stand_journal(const struct adoption_wish *wish, struct standing *standings)
{
    const struct manifest *manifest = wish->manifest;

    for (size_t i = 0; i < wish->journal_count; i++) {
        const struct migration *migration = manifest_find(manifest, wish->journal[i]);
        if (migration) {
            standings[migration - manifest->migrations].is_known = true;
        }
    }
}

/* ---- the decision ---------------------------------------------------------------------------- */

static void
keep(const struct migration **list, size_t *count, const struct migration *migration)
{
    list[(*count)++] = migration;
}

static bool
decide_behind(const struct adoption_wish *wish, const struct migration *migration,
              struct adoption *out, struct error_list *problems)
{
    switch (wish->trust) {
    case ADOPTION_TRUST_TABLE:
        keep(out->forget, &out->forget_count, migration);
        return true;
    case ADOPTION_TRUST_JOURNAL:
        keep(out->mirror, &out->mirror_count, migration);
        return true;
    default:
        return refuse_behind(wish, migration, problems);
    }
}

static void
count_late(const struct standing *standings, size_t count, struct adoption *out)
{
    bool is_applied_above = false;

    for (size_t i = count; i-- > 0;) {
        bool is_applied = standings[i].row || standings[i].is_marked || standings[i].is_known;
        out->late_count += !is_applied && is_applied_above;
        is_applied_above = is_applied_above || is_applied;
    }
}

static bool
decide(const struct adoption_wish *wish, const struct standing *standings, struct adoption *out,
       struct error_list *problems)
{
    const struct manifest *manifest = wish->manifest;
    bool agrees = true;

    for (size_t i = 0; i < manifest->migration_count; i++) {
        const struct migration *migration = &manifest->migrations[i];
        bool is_applied = standings[i].row || standings[i].is_marked;
        out->edited_count += standings[i].is_edited;
        if (is_applied && !standings[i].is_known) {
            keep(out->record, &out->record_count, migration);
        } else if (is_applied) {
            out->agreed_count++;
        } else if (standings[i].is_known) {
            agrees = decide_behind(wish, migration, out, problems) && agrees;
        } else {
            out->pending_count++;
        }
    }
    count_late(standings, manifest->migration_count, out);
    return agrees;
}

bool
adoption_decide(const struct adoption_wish *wish, struct arena *arena, struct adoption *adoption,
                struct error_list *problems)
{
    size_t count = wish->manifest->migration_count;
    CLEANUP(mem_free) struct standing *standings = mem_zalloc((count + 1) * sizeof *standings);
    size_t size = (count + 1) * sizeof *adoption->record;
    bool agrees = true;

    *adoption = (struct adoption){.record = arena_alloc(arena, size),
                                  .forget = arena_alloc(arena, size),
                                  .mirror = arena_alloc(arena, size)};
    for (size_t i = 0; i < wish->row_count; i++) {
        agrees = stand_row(wish, &wish->rows[i], standings, problems) && agrees;
    }
    stand_journal(wish, standings);
    /* A row that cannot be read says nothing about what is behind the journal. */
    return agrees && decide(wish, standings, adoption, problems);
}
