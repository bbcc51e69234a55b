#include "common/migration/history_sqitch.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/history_digest.h"
#include "common/migration/history_keys.h"
#include "common/migration/layouts/sqitch.h"

#define RECORD "\x1e" /* as histories/sqitch.c reads lists */
#define UNIT "\x1f"

/* A dependency on the own project is called without it. */
static const char *
without_project(const struct sqitch_change *change, const char *dependency)
{
    size_t size = strlen(change->project);
    bool is_own = strncmp(dependency, change->project, size) == 0 && dependency[size] == ':';

    return is_own ? dependency + size + 1 : dependency;
}

static void
append_project(const struct sqitch_change *change, struct text *info)
{
    text_format(info, "project %s\n", change->project);
    if (change->uri) {
        text_format(info, "uri %s\n", change->uri);
    }
}

static void
append_planning(const struct sqitch_planning *planning, struct text *info)
{
    text_format(info, "planner %s <%s>\ndate %s", planning->planner_name, planning->planner_mail,
                planning->date);
}

static void
append_note(const struct sqitch_planning *planning, struct text *info)
{
    if (planning->note[0]) {
        text_format(info, "\n\n%s", planning->note);
    }
}

static void
append_list(const struct sqitch_change *change, const char *title, const char *mark,
            const char *const *list, size_t count, struct text *info)
{
    if (count) {
        text_format(info, "\n%s", title);
    }
    for (size_t i = 0; i < count; i++) {
        text_format(info, "\n  %s %s", mark, without_project(change, list[i]));
    }
}

/* "change <size>" and a NUL before it, as git does. */
static const char *
id_of(const char *kind, const struct text *info, struct arena *arena)
{
    CLEANUP(text_release) struct text content = {0};

    text_format(&content, "%s %zu", kind, info->size);
    text_append_bytes(&content, "", 1);
    text_append_bytes(&content, text_of(info), info->size);
    return history_sha1(content.data, content.size, arena);
}

static const char *
change_id(const struct sqitch_change *change, const char *parent, struct arena *arena)
{
    CLEANUP(text_release) struct text info = {0};

    append_project(change, &info);
    text_format(&info, "change %s\n", change->name);
    if (parent) {
        text_format(&info, "parent %s\n", parent);
    }
    append_planning(&change->planning, &info);
    append_list(change, "requires", "+", change->requires, change->require_count, &info);
    append_list(change, "conflicts", "-", change->conflicts, change->conflict_count, &info);
    append_note(&change->planning, &info);
    return id_of("change", &info, arena);
}

static const char *
tag_id(const struct sqitch_change *change, const struct sqitch_tag *tag, const char *id,
       struct arena *arena)
{
    CLEANUP(text_release) struct text info = {0};

    append_project(change, &info);
    text_format(&info, "tag %s\nchange %s\n", tag->name, id);
    append_planning(&tag->planning, &info);
    append_note(&tag->planning, &info);
    return id_of("tag", &info, arena);
}

static void
add_list(const struct sqitch_change *change, const char *name, const char *const *list,
         size_t count, struct migration *migration, struct arena *arena)
{
    CLEANUP(text_release) struct text joined = {0};

    for (size_t i = 0; i < count; i++) {
        text_format(&joined, "%s" RECORD, without_project(change, list[i]));
    }
    history_keys_add(migration, arena, name, text_of(&joined));
}

static void
add_tags(const struct sqitch_change *change, const char *id, struct migration *migration,
         struct arena *arena)
{
    CLEANUP(text_release) struct text joined = {0};

    for (size_t i = 0; i < change->tag_count; i++) {
        const struct sqitch_tag *tag = &change->tags[i];
        text_format(&joined, "%s" UNIT "%s" UNIT "%s" UNIT "%s" UNIT "%s" UNIT "%s" UNIT RECORD,
                    tag->name, tag_id(change, tag, id, arena), tag->planning.note,
                    tag->planning.date, tag->planning.planner_name, tag->planning.planner_mail);
    }
    history_keys_add(migration, arena, "tags", text_of(&joined));
}

static void
add_change(const struct sqitch_change *change, const char *id, const struct listed_file *script,
           struct migration *migration, struct arena *arena)
{
    const struct {
        const char *name, *value;
    } keys[] = {{"change_id", id},
                {"change", change->name},
                {"project", change->project},
                {"uri", change->uri},
                {"note", change->planning.note},
                {"planned_at", change->planning.date},
                {"planner_name", change->planning.planner_name},
                {"planner_email", change->planning.planner_mail}};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].value) {
            history_keys_add(migration, arena, keys[i].name, keys[i].value);
        }
    }
    if (script && script->text) {
        history_keys_add(migration, arena, "script_hash",
                         history_sha1(script->text, script->size, arena));
    }
    add_list(change, "requires", change->requires, change->require_count, migration, arena);
    add_list(change, "conflicts", change->conflicts, change->conflict_count, migration, arena);
    add_tags(change, id, migration, arena);
}

void
history_sqitch_keys(const struct source_list *sources, struct manifest *manifest,
                    struct arena *arena)
{
    const char *parent = NULL;

    for (size_t i = 0; i < sources->count; i++) {
        const struct source_migration *source = &sources->items[i];
        const struct sqitch_change *change = source->plan;
        if (!change) {
            return;
        }
        parent = change_id(change, parent, arena);
        add_change(change, parent, source->up.file, &manifest->migrations[i], arena);
    }
}
