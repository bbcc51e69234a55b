/* new, patterns: a migration to be written, and the library that it may come from. */
#include <ctype.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/migration/project.h"
#include "common/patterns/draft.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/pattern_show.h"
#include "coordinator/cli/show.h"

#define NAME_SIZE_MAX 80

/* ---- where it goes ----------------------------------------------------------------------------
 */

static const struct project_service *
only_service(const struct project *project, struct error *error)
{
    CLEANUP(text_release) struct text names = {0};

    if (project->service_count == 1) {
        return &project->services[0];
    }
    for (size_t i = 0; i < project->service_count; i++) {
        text_format(&names, "%s%s", i ? ", " : "", project->services[i].name);
    }
    error_set(error, "E-CLI-USAGE", "it is not said for which service");
    error_where(error, "%s", project->file);
    error_found(error, "services: %s", text_of(&names));
    error_hint(error, "name one with --service, or a folder with --migrations");
    return NULL;
}

static bool
open_folder(const struct call *call, struct arena *arena, struct draft_folder *folder,
            struct error *error)
{
    const char *path = call_text(call, "migrations"), *name = call_text(call, "service");
    CLEANUP(project_destroy) struct project *project = NULL;

    if (path) {
        return draft_open(path, "auto", false, arena, folder, error);
    }
    if (!project_open(".", &project, error)) {
        return false;
    }
    const struct project_service *service =
        name ? project_find(project, name, error) : only_service(project, error);
    if (service && service->folder_count) {
        error_set(error, "E-PATTERN-LAYOUT", "%s has its migrations in several folders",
                  service->name);
        error_where(error, "%s", project->file);
        return error_hint(error, "name one of them: --migrations DIR");
    }
    return service && draft_open(service->migrations, service->layout, !service->has_gaps, arena,
                                 folder, error);
}

/* ---- what it holds ----------------------------------------------------------------------------
 */

/* A name that says something and is the same on every file system. */
static bool
check_name(const char *name, struct error *error)
{
    size_t size = strlen(name);
    bool is_name = size > 0 && size <= NAME_SIZE_MAX && islower((unsigned char)name[0]);

    for (size_t i = 0; i < size; i++) {
        is_name = is_name && (islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) ||
                              name[i] == '_');
    }
    if (is_name) {
        return true;
    }
    error_set(error, "E-NAME-SYNTAX", "'%.64s' cannot be a migration's name", name);
    error_found(error, "allowed are a-z, 0-9 and _, a letter first, at most 80");
    return error_hint(error, "say what it does: add_email_to_users");
}

static const char empty_up[] =
    "-- What is to be done, in PostgreSQL's own SQL. All of it is one transaction.\n"
    "--\n"
    "-- Above the first statement may stand what Skein should know (docs/migrations.md):\n"
    "--   \"skein: stage=expand\"       which phase of a change it is: expand, migrate, contract\n"
    "--   \"skein: lock_timeout=2s\"    how long a statement may wait for a lock\n"
    "--   \"skein: irreversible=…\"     why there is no way back\n"
    "-- each behind \"-- \" and without the quotes. `skein patterns` knows the usual changes.\n";
static const char empty_down[] = "-- What takes it back exactly.\n";
static const char empty_verify[] =
    "-- Questions that are true when it has worked, read in the same transaction:\n"
    "-- SELECT count(*) = 0 FROM users WHERE email IS NULL;\n";

static bool
fill_empty(const struct call *call, struct arena *arena, struct filled *filled, struct error *error)
{
    size_t count = 0;

    call_texts(call, "set", &count);
    if (count > 0) {
        error_set(error, "E-CLI-USAGE", "--set is for the parameters of a pattern");
        return error_hint(error, "say which with --pattern; `skein patterns` lists them");
    }
    filled->migrations = arena_alloc(arena, sizeof *filled->migrations);
    filled->count = 1;
    filled->migrations[0].up = empty_up;
    filled->migrations[0].down = empty_down;
    filled->migrations[0].verify = call_flag(call, "verify") ? empty_verify : NULL;
    return true;
}

static bool
fill_pattern(struct call *call, const struct pattern *pattern, struct arena *arena,
             struct filled *filled, struct error *error)
{
    CLEANUP(error_list_release) struct error_list errors = {0};
    size_t count = 0;
    const char *const *settings = call_texts(call, "set", &count);

    if (pattern_fill(pattern, settings, count, arena, filled, &errors)) {
        return true;
    }
    *error = errors.errors[0];
    for (size_t i = 1; i < errors.count; i++) {
        error_list_add(&call->others, &errors.errors[i]);
    }
    return false;
}

/* ---- new --------------------------------------------------------------------------------------
 */

static void
tell_draft(const struct call *call, const struct draft *draft)
{
    if (call_wants_json(call)) {
        json_t *paths = json_array();
        for (size_t i = 0; i < draft->path_count; i++) {
            json_array_append_new(paths, show_json_text(draft->paths[i]));
        }
        show_json(&call->terminal, json_pack("{s:o}", "files", paths));
        return;
    }
    for (size_t i = 0; i < draft->path_count; i++) {
        show_line(&call->terminal, "%s", draft->paths[i]);
    }
}

bool
command_new(struct call *call, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(library_destroy) struct library *library = library_new();
    const char *name = call_argument(call, 0), *wanted = call_text(call, "pattern");
    const struct pattern *pattern = NULL;
    struct draft_folder folder;
    struct filled filled;
    struct draft draft;

    if (!check_name(name, error)) {
        return false;
    }
    if (wanted && !(pattern = library_find(library, wanted, error))) {
        return false;
    }
    bool is_filled = pattern ? fill_pattern(call, pattern, &arena, &filled, error)
                             : fill_empty(call, &arena, &filled, error);
    if (!is_filled || !open_folder(call, &arena, &folder, error) ||
        !draft_write(&folder, name, &filled, clock_wall_ms(), &arena, &draft, error)) {
        return false;
    }
    tell_draft(call, &draft);
    return true;
}

/* ---- patterns ---------------------------------------------------------------------------------
 */

enum patterns_format { PATTERNS_TEXT, PATTERNS_MARKDOWN };

static void
print_json(const struct call *call, const struct library *library, const struct pattern *one)
{
    size_t count = 0;
    const struct pattern *patterns = library_patterns(library, &count);
    json_t *rows = json_array();

    for (size_t i = 0; !one && i < count; i++) {
        json_array_append_new(rows, pattern_show_json(&patterns[i]));
    }
    if (one) {
        json_array_append_new(rows, pattern_show_json(one));
    }
    show_json(&call->terminal, json_pack("{s:o}", "patterns", rows));
}

bool
command_patterns(struct call *call, struct error *error)
{
    CLEANUP(library_destroy) struct library *library = library_new();
    CLEANUP(text_release) struct text out = {0};
    const char *name = call_argument(call, 0);
    const struct pattern *pattern = NULL;

    if (name && !(pattern = library_find(library, name, error))) {
        return false;
    }
    if (call_wants_json(call)) {
        print_json(call, library, pattern);
        return true;
    }
    if ((enum patterns_format)call_choice(call, "format") == PATTERNS_MARKDOWN) {
        pattern_show_markdown(library, &out);
    } else if (pattern) {
        pattern_show_one(pattern, &call->terminal, &out);
    } else {
        pattern_show_list(library, &call->terminal, &out);
    }
    fputs(text_of(&out), call->terminal.out);
    return true;
}
