#include "common/migration/project.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config.h"
#include "common/migration/project_folders.h"
#include "common/migration/reader.h"
#include "common/migration/refusal.h"

/* ---- finding it ------------------------------------------------------------------------------ */

/* The folder at or above `start` that holds a skein.yaml, with its real path; null when none. */
static char *
find_root(const char *start)
{
    char *folder = realpath(start, NULL);

    while (folder) {
        CLEANUP(mem_free) char *file = mem_format("%s/%s", folder, PROJECT_FILE);
        if (access(file, F_OK) == 0) {
            return folder;
        }
        char *slash = strrchr(folder, '/');
        if (slash == folder && folder[1]) {
            folder[1] = '\0';
        } else if (slash == folder) {
            free(folder);
            return NULL;
        } else {
            *slash = '\0';
        }
    }
    return NULL;
}

/* A folder as people would write it from where we are: as it is when it lies elsewhere. */
static const char *
from_here(struct arena *arena, const char *path)
{
    char here[PATH_MAX];

    if (!getcwd(here, sizeof here)) {
        return arena_text(arena, path);
    }
    size_t size = strlen(here);
    if (strcmp(here, path) == 0) {
        return ".";
    }
    if (strncmp(here, path, size) == 0 && path[size] == '/') {
        return arena_text(arena, path + size + 1);
    }
    return arena_text(arena, path);
}

/* ---- reading it ------------------------------------------------------------------------------ */

/* Whether a path stays below the folder that it is relative to. */
static bool
is_below(const char *path)
{
    size_t depth = 0;

    if (path[0] == '/') {
        return false;
    }
    while (*path) {
        size_t size = strcspn(path, "/");
        if (size == 2 && memcmp(path, "..", 2) == 0) {
            if (depth == 0) {
                return false;
            }
            depth--;
        } else if (size > 0 && !(size == 1 && path[0] == '.')) {
            depth++;
        }
        path += size + (path[size] == '/');
    }
    return true;
}

/* The path that a key holds, so that it can be opened from where we are; null when absent. */
static bool
read_path(struct project *project, const struct config_node *service, const char *key,
          bool is_required, const char **out, struct error *error)
{
    const char *path = NULL;

    *out = NULL;
    if (!config_text(service, key, is_required ? CONFIG_REQUIRED : NULL, &path, error)) {
        return false;
    }
    if (!path) {
        return true;
    }
    if (!path[0] || !is_below(path)) {
        error_set(error, "E-MIG-PATH", "the path leads out of the project");
        config_where(service, error);
        error_found(error, "%s: %s", key, path);
        return error_hint(error, "write it relative to %s", project->file);
    }
    bool is_here = text_equal(project->root, ".");
    *out = is_here ? arena_text(&project->arena, path)
                   : arena_format(&project->arena, "%s/%s", project->root, path);
    return true;
}

static bool
read_migrations(struct project *project, const struct config_node *service,
                struct project_service *out, struct error *error)
{
    const struct config_node *list = NULL;
    struct error no_list;

    if (config_list(service, "migrations", &list, &no_list) && list) {
        return project_read_folders(project, service, list, out, error);
    }
    return read_path(project, service, "migrations", true, &out->migrations, error);
}

static bool
read_gaps(const struct config_node *service, struct project_service *out, struct error *error)
{
    const char *gaps = NULL;

    if (!config_text(service, "gaps", "allow", &gaps, error)) {
        return false;
    }
    out->has_gaps = text_equal(gaps, "allow");
    if (out->has_gaps || text_equal(gaps, "refuse")) {
        return true;
    }
    error_set(error, "E-CFG-TYPE", "gaps is allow or refuse");
    config_where(service, error);
    return error_found(error, "gaps: %s", gaps);
}

/* accept: [E-MIG-IDENT, …] */
static bool
read_accepted(const struct config_node *service, struct project_service *out, struct error *error)
{
    const struct config_node *codes = NULL;

    if (!config_list(service, "accept", &codes, error)) {
        return false;
    }
    for (size_t i = 0; codes && i < config_count(codes); i++) {
        const struct config_node *code = config_item(codes, i);
        const char *text = config_scalar(code);
        unsigned acceptance = text ? acceptance_of(text) : ACCEPT_NOTHING;
        if (!acceptance) {
            error_set(error, "E-CFG-RANGE", "this cannot be accepted");
            config_where(code, error);
            error_found(error, "%s", text ? text : "no text");
            return error_hint(error, "%s", ACCEPTABLE);
        }
        out->accepted |= acceptance;
    }
    return true;
}

/* history_table: [schema.]name; mirror_history: true or false */
static bool
read_history(struct project *project, const struct config_node *service,
             struct project_service *out, struct error *error)
{
    const char *table = NULL;
    bool mirrors = true;

    if (!config_text(service, "history_table", NULL, &table, error) ||
        !config_bool(service, "mirror_history", true, &mirrors, error)) {
        return false;
    }
    if (table && (!table[0] || strlen(table) > 127)) {
        error_set(error, "E-CFG-RANGE", "this is no name of a table");
        config_where(service, error);
        error_found(error, "history_table: %.140s", table);
        return error_hint(error, "history_table: schema_migrations, or app.schema_migrations");
    }
    out->history_table = arena_text(&project->arena, table);
    out->has_no_mirror = !mirrors;
    return true;
}

static bool
read_timeout(const struct config_node *service, const char *key, uint64_t *timeout_ms,
             struct error *error)
{
    int64_t value_ms = 0;

    if (!config_duration_ms(service, key, 0, 1, SCRIPT_TIMEOUT_MAX_MS, &value_ms, error)) {
        return false;
    }
    *timeout_ms = (uint64_t)value_ms;
    return true;
}

/* lock_timeout: 2s, statement_timeout: 1m, timeout: 10m */
static bool
read_timeouts(const struct config_node *service, struct project_service *out, struct error *error)
{
    return read_timeout(service, "lock_timeout", &out->lock_timeout_ms, error) &&
           read_timeout(service, "statement_timeout", &out->statement_timeout_ms, error) &&
           read_timeout(service, "timeout", &out->timeout_ms, error);
}

/* window: "Sat 02:00-05:00 Europe/Berlin" */
static bool
read_window(struct project *project, const struct config_node *service, struct project_service *out,
            struct error *error)
{
    const char *text = NULL;

    if (!config_text(service, "window", NULL, &text, error)) {
        return false;
    }
    if (text && !window_parse(text, clock_wall_ms(), &project->arena, &out->window, error)) {
        return config_where(service, error), false;
    }
    return true;
}

/* substitutions: { "${schema}": app, … } */
static bool
read_substitutions(struct project *project, const struct config_node *service,
                   struct project_service *out, struct error *error)
{
    const struct config_node *map = NULL;

    if (!config_map(service, "substitutions", &map, error)) {
        return false;
    }
    size_t count = map ? config_count(map) : 0;
    struct substitution *items = arena_alloc(&project->arena, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const char *from = NULL;
        const struct config_node *value = NULL;
        config_pair(map, i, &from, &value);
        const char *to = config_scalar(value);
        if (!from[0] || !to) {
            error_set(error, "E-CFG-TYPE", "a substitution is a placeholder and a text");
            config_where(value, error);
            return error_hint(error, "substitutions: { \"${schema}\": app }");
        }
        items[i] = (struct substitution){.from = arena_text(&project->arena, from),
                                         .to = arena_text(&project->arena, to)};
    }
    out->substitutions = (struct substitutions){.items = items, .count = count};
    return true;
}

/* raw: [a.sql, …] */
static bool
read_raw(struct project *project, const struct config_node *service, struct project_service *out,
         struct error *error)
{
    const struct config_node *files = NULL;

    if (!config_list(service, "raw", &files, error)) {
        return false;
    }
    size_t count = files ? config_count(files) : 0;
    out->raw = arena_alloc(&project->arena, count * sizeof *out->raw);
    for (size_t i = 0; i < count; i++) {
        const char *file = config_scalar(config_item(files, i));
        if (!file) {
            error_set(error, "E-CFG-TYPE", "raw is a list of files");
            config_where(config_item(files, i), error);
            return error_hint(error, "raw: [0042_newer.sql]");
        }
        out->raw[out->raw_count++] = arena_text(&project->arena, file);
    }
    return true;
}

static bool
read_service(struct project *project, const char *name, const struct config_node *node,
             struct project_service *out, struct error *error)
{
    const char *layout = NULL;

    if (!text_is_name(name)) {
        char shown[TEXT_SHOWN_SIZE];
        error_set(error, "E-NAME-SYNTAX", "'%s' cannot be a service's name",
                  text_shown(name, shown));
        config_where(node, error);
        return error_hint(error, "names: [A-Za-z0-9][A-Za-z0-9._/@-]{0,127} without ..");
    }
    if (config_scalar(node)) {
        error_set(error, "E-CFG-TYPE", "a service is a mapping");
        config_where(node, error);
        return error_hint(error, "%s: { migrations: services/%s/migrations }", name, name);
    }
    out->name = arena_text(&project->arena, name);
    if (!read_migrations(project, node, out, error) ||
        !read_path(project, node, "seed", false, &out->seed, error) ||
        !config_text(node, "layout", "auto", &layout, error)) {
        return false;
    }
    out->layout = arena_text(&project->arena, layout);
    return naming_read(node, &project->arena, &out->naming, error) &&
           read_substitutions(project, node, out, error) && read_raw(project, node, out, error) &&
           read_gaps(node, out, error) && read_accepted(node, out, error) &&
           read_history(project, node, out, error) && read_timeouts(node, out, error) &&
           read_window(project, node, out, error);
}

static bool
read_services(struct project *project, const struct config_node *services, struct error *error)
{
    size_t count = config_count(services);

    project->services = arena_alloc(&project->arena, count * sizeof *project->services);
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        const struct config_node *node = NULL;
        struct project_service *service = &project->services[project->service_count];
        config_pair(services, i, &name, &node);
        if (!read_service(project, name, node, service, error)) {
            return false;
        }
        project->service_count++;
    }
    return true;
}

/* Ask for everything below a node, so that nobody complains of it: others read it. */
static void
accept_all(const struct config_node *node)
{
    for (size_t i = 0; i < config_count(node); i++) {
        const char *key = NULL;
        const struct config_node *child = NULL;
        if (config_pair(node, i, &key, &child)) {
            accept_all(child);
        } else {
            accept_all(config_item(node, i));
        }
    }
}

static bool
read_project(struct project *project, const struct config *config, struct error *error)
{
    static const char *const elsewhere[] = {"lint", "test"};
    const struct config_node *root = config_root(config), *section = NULL;

    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        if (!config_map(root, elsewhere[i], &section, error)) {
            return false;
        }
        if (section) {
            accept_all(section);
        }
    }
    if (!config_map(root, "services", &section, error)) {
        return false;
    }
    if (!section || config_count(section) == 0) {
        error_set(error, "E-CFG-MISSING", "no services");
        error_where(error, "%s", project->file);
        return error_hint(error, "services: { auth: { migrations: services/auth/migrations } }");
    }
    return read_services(project, section, error) && config_finish(config, error);
}

bool
project_open(const char *start, struct project **project_p, struct error *error)
{
    CLEANUP(mem_free) char *root = find_root(start);
    CLEANUP(config_destroy) struct config *config = NULL;

    *project_p = NULL;
    if (!root) {
        error_set(error, "E-CFG-OPEN", "no %s here or in any folder above", PROJECT_FILE);
        error_where(error, "%s", start);
        return error_hint(error, "`skein init` makes one");
    }
    struct project *project = mem_zalloc(sizeof *project);
    project->root = from_here(&project->arena, root);
    project->file = text_equal(project->root, ".")
                        ? PROJECT_FILE
                        : arena_format(&project->arena, "%s/%s", project->root, PROJECT_FILE);
    if (!config_open(project->file, false, &config, error) ||
        !read_project(project, config, error)) {
        project_destroy(&project);
        return false;
    }
    *project_p = project;
    return true;
}

void
project_destroy(struct project **project_p)
{
    if (*project_p) {
        struct arena arena = (*project_p)->arena;
        arena_release(&arena);
        free(*project_p);
        *project_p = NULL;
    }
}

/* ---- using it -------------------------------------------------------------------------------- */

const struct project_service *
project_find(const struct project *project, const char *name, struct error *error)
{
    const char *nearest = NULL;
    size_t nearest_distance = 4;

    for (size_t i = 0; i < project->service_count; i++) {
        const char *candidate = project->services[i].name;
        size_t distance = text_distance(candidate, name);
        if (distance == 0) {
            return &project->services[i];
        }
        if (distance < nearest_distance) {
            nearest = candidate;
            nearest_distance = distance;
        }
    }
    error_set(error, "E-SVC-UNKNOWN", "no such service: %s", name);
    error_where(error, "%s", project->file);
    if (nearest) {
        error_hint(error, "did you mean %s?", nearest);
    }
    return NULL;
}

struct migrations_source
project_source(const struct project_service *service)
{
    return (struct migrations_source){.folder = service->migrations,
                                      .service = service->name,
                                      .folders = service->folders,
                                      .folder_count = service->folder_count,
                                      .layout = service->layout,
                                      .naming = service->naming,
                                      .substitutions = service->substitutions,
                                      .raw = service->raw,
                                      .raw_count = service->raw_count,
                                      .accepted = service->accepted,
                                      .history_table = service->history_table,
                                      .has_no_mirror = service->has_no_mirror,
                                      .lock_timeout_ms = service->lock_timeout_ms,
                                      .statement_timeout_ms = service->statement_timeout_ms,
                                      .timeout_ms = service->timeout_ms};
}

bool
project_read_service(const struct project_service *service, struct bundle **bundle_p,
                     struct error_list *errors, struct error_list *notes)
{
    struct migrations_source source = project_source(service);

    if (!migrations_read_source(&source, bundle_p, errors, notes)) {
        return false;
    }
    if (!service->has_gaps && !migrations_check_gaps(*bundle_p, service->migrations, errors)) {
        bundle_destroy(bundle_p);
        return false;
    }
    return true;
}
