#include "common/migration/project_folders.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

/* How much two paths have in common up to a slash. */
static size_t
common_size(const char *a, const char *b)
{
    size_t size = 0;

    for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
        size = a[i] == '/' ? i + 1 : size;
    }
    return size;
}

static bool
refuse(const struct config_node *service, const char *found, struct error *error)
{
    error_set(error, "E-CFG-RANGE", "several folders of migrations lie beside each other");
    config_where_key(service, "migrations", error);
    error_found(error, "%s", found);
    return error_hint(error, "migrations: [db/a, db/b], none of them in another, without . and ..");
}

/* Whether a path is written as the folders in it are called: nothing else can be compared. */
static bool
is_plain(const char *path)
{
    CLEANUP(mem_free) char *whole = mem_format("/%s/", path);

    return path[0] && !strstr(whole, "//") && !strstr(whole, "/./") && !strstr(whole, "/../");
}

/* Whether one of two folders lies in the other, or is the other. */
static bool
is_nested(const char *a, const char *b)
{
    CLEANUP(mem_free) char *left = mem_format("%s/", a);
    CLEANUP(mem_free) char *right = mem_format("%s/", b);

    return text_starts_with(left, right) || text_starts_with(right, left);
}

static bool
read_paths(struct project *project, const struct config_node *service,
           const struct config_node *list, const char **paths, struct error *error)
{
    for (size_t i = 0; i < config_count(list); i++) {
        const char *path = config_scalar(config_item(list, i));
        if (!path || !is_plain(path)) {
            return refuse(service, path ? path : "no text", error);
        }
        for (size_t j = 0; j < i; j++) {
            if (is_nested(path, paths[j])) {
                return refuse(service, path, error);
            }
        }
        paths[i] = arena_text(&project->arena, path);
    }
    return config_count(list) > 0 || refuse(service, "an empty list", error);
}

/* The first `size` bytes of a path, which end with a slash, so that they can be opened. */
static const char *
parent_of(struct project *project, const char *path, size_t size)
{
    if (size == 0) {
        return project->root;
    }
    const char *parent = arena_format(&project->arena, "%.*s", (int)size - 1, path);
    return text_equal(project->root, ".")
               ? parent
               : arena_format(&project->arena, "%s/%s", project->root, parent);
}

bool
project_read_folders(struct project *project, const struct config_node *service,
                     const struct config_node *list, struct project_service *out,
                     struct error *error)
{
    size_t count = config_count(list), size = SIZE_MAX;
    const char **paths = arena_alloc(&project->arena, (count + 1) * sizeof *paths);

    if (!read_paths(project, service, list, paths, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t shared = common_size(paths[0], paths[i]);
        size = shared < size ? shared : size;
    }
    out->migrations = parent_of(project, paths[0], size);
    for (size_t i = 0; i < count; i++) {
        paths[i] += size;
    }
    out->folders = paths;
    out->folder_count = count;
    return true;
}
