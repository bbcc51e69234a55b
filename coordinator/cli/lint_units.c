#include "coordinator/cli/lint_units.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"

/* ---- units ----------------------------------------------------------------------------------- */

static bool
refuse_path(const char *path, struct error *error)
{
    error_set(error, "E-CLI-FILE", "there is no such file, folder or service");
    error_where(error, "%s", path);
    return error_hint(error,
                      "name a folder of migrations, files in one, or a service of skein.yaml");
}

/* Services may have several folders in the same one. */
static struct lint_unit *
find_unit(struct lint_units *units, const char *real_folder, const char *const *folders)
{
    for (size_t i = 0; i < units->count; i++) {
        if (text_equal(units->items[i].real_folder, real_folder) &&
            units->items[i].source.folders == folders) {
            return &units->items[i];
        }
    }
    return NULL;
}

/* The unit of a folder, made when it is not there yet; null when there is no such folder. */
static struct lint_unit *
unit_of(struct lint_units *units, const struct migrations_source *source)
{
    CLEANUP(mem_free) char *real = realpath(source->folder, NULL);
    struct lint_unit *unit = real ? find_unit(units, real, source->folders) : NULL;

    if (unit || !real) {
        return unit;
    }
    if (units->count == units->capacity) {
        units->items = mem_grow(units->items, units->count, &units->capacity, sizeof *units->items);
    }
    unit = &units->items[units->count++];
    *unit = (struct lint_unit){.source = *source, .folder = mem_text(source->folder)};
    for (size_t size = strlen(unit->folder); size > 1 && unit->folder[size - 1] == '/'; size--) {
        unit->folder[size - 1] = '\0';
    }
    unit->source.folder = unit->folder;
    unit->real_folder = mem_text(real);
    return unit;
}

static bool
add_service(struct lint_units *units, const struct project_service *service, struct error *error)
{
    const struct migrations_source source = project_source(service);
    struct lint_unit *unit = unit_of(units, &source);

    if (!unit) {
        error_set(error, "E-MIG-MISSING", "the service has no folder of migrations");
        return error_where(error, "%s", service->migrations);
    }
    unit->is_whole = true;
    return true;
}

static bool
add_project(struct lint_units *units, struct error *error)
{
    for (size_t i = 0; i < units->project->service_count; i++) {
        if (!add_service(units, &units->project->services[i], error)) {
            return false;
        }
    }
    return true;
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* Whether a real path is a folder or lies in it. */
static bool
is_in(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && (path[size] == '/' || !path[size]);
}

/* Whether a real path lies in a folder of the service's. */
static bool
is_of_service(const struct project_service *service, const char *real)
{
    CLEANUP(mem_free) char *folder = realpath(service->migrations, NULL);
    bool is_below = folder && is_in(real, folder), is_one = false;

    for (size_t i = 0; is_below && i < service->folder_count; i++) {
        CLEANUP(mem_free) char *path = mem_format("%s/%s", folder, service->folders[i]);
        is_one = is_one || is_in(real, path);
    }
    return is_below && (is_one || service->folder_count == 0);
}

/* The service of the project whose folder a real path lies in; null: none. */
static const struct project_service *
service_around(const struct lint_units *units, const char *real)
{
    for (size_t i = 0; units->project && i < units->project->service_count; i++) {
        if (is_of_service(&units->project->services[i], real)) {
            return &units->project->services[i];
        }
    }
    return NULL;
}

static struct migrations_source
source_of(const struct project_service *service, const char *folder, const char *layout)
{
    if (!service) {
        return (struct migrations_source){
            .folder = folder, .service = "local", .layout = layout ? layout : "auto"};
    }
    return project_source(service);
}

static bool
has_entry(const char *folder, const char *name)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* The folder of migrations that a file lies in: for up.sql and migration.sql that of its folder. */
static char *
folder_of(const char *path)
{
    char *folder = mem_text(path);
    const char *name = strrchr(folder, '/') ? strrchr(folder, '/') + 1 : folder;
    bool is_below = text_equal(name, "up.sql") || text_equal(name, "down.sql") ||
                    text_equal(name, "migration.sql");

    for (int up = 0; up < 1 + is_below; up++) {
        char *slash = strrchr(folder, '/');
        if (!slash) {
            char *other = mem_text(up ? ".." : ".");
            free(folder);
            return other;
        }
        *(slash == folder ? slash + 1 : slash) = '\0';
    }
    return folder;
}

static bool
add_file(struct lint_units *units, const char *path, const char *real, const char *layout,
         struct error *error)
{
    CLEANUP(mem_free) char *folder = folder_of(path);
    const struct migrations_source source = source_of(service_around(units, real), folder, layout);
    struct lint_unit *unit = unit_of(units, &source);

    if (!unit) {
        return refuse_path(path, error);
    }
    size_t count = unit->file_count;
    char **files = mem_zalloc((count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        files[i] = unit->files[i];
    }
    files[count] = mem_text(real);
    free(unit->files);
    unit->files = files;
    unit->file_count = count + 1;
    return true;
}

static bool
add_folder(struct lint_units *units, const char *path, const char *real, const char *layout,
           struct error *error)
{
    const struct project_service *service = service_around(units, real);

    if (!service && !units->project && has_entry(path, PROJECT_FILE)) {
        return project_open(path, &units->project, error) && add_project(units, error);
    }
    const struct migrations_source source = source_of(service, path, layout);
    struct lint_unit *unit = unit_of(units, &source);
    if (!unit) {
        return refuse_path(path, error);
    }
    unit->is_whole = true;
    return true;
}

static bool
add_argument(struct lint_units *units, const char *argument, const char *layout,
             struct error *error)
{
    CLEANUP(mem_free) char *real = realpath(argument, NULL);
    struct stat facts;

    if (real && stat(real, &facts) == 0) {
        bool is_elsewhere = units->project && !service_around(units, real);
        if (!S_ISDIR(facts.st_mode) && is_elsewhere) {
            return true; /* hooks name every SQL file, migrations or not */
        }
        return S_ISDIR(facts.st_mode) ? add_folder(units, argument, real, layout, error)
                                      : add_file(units, argument, real, layout, error);
    }
    for (size_t i = 0; units->project && i < units->project->service_count; i++) {
        if (text_equal(units->project->services[i].name, argument)) {
            return add_service(units, &units->project->services[i], error);
        }
    }
    return refuse_path(argument, error);
}

bool
lint_units_find(struct lint_units *units, const char *const *arguments, size_t count,
                const char *layout, struct error *error)
{
    if (!project_open(".", &units->project, error)) {
        if (count == 0 || !error_is(error, "E-CFG-OPEN")) {
            return count || error_hint(error, "name a folder: skein lint DIR");
        }
        units->project = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_argument(units, arguments[i], layout, error)) {
            return false;
        }
    }
    return count > 0 || add_project(units, error);
}

bool
lint_units_since(struct lint_units *units, const char *revision, struct error *error)
{
    return units->count == 0 ||
           changed_read(units->items[0].real_folder, revision, &units->changed, error);
}

/* ---- which files ----------------------------------------------------------------------------- */

/* The real path of a file from the one in the findings, which begins with the unit's folder. */
static char *
real_path(const struct lint_unit *unit, const char *path)
{
    size_t size = strlen(unit->folder);
    bool is_below = strncmp(path, unit->folder, size) == 0;
    return is_below ? mem_format("%s%s", unit->real_folder, path + size) : mem_text(path);
}

enum lint_change
lint_unit_change(const struct lint_units *units, const struct lint_unit *unit, const char *path)
{
    CLEANUP(mem_free) char *real = real_path(unit, path);
    return units->changed ? changed_kind(units->changed, real) : LINT_UNCHANGED;
}

bool
lint_unit_wants(const struct lint_units *units, const struct lint_unit *unit, const char *path)
{
    CLEANUP(mem_free) char *real = real_path(unit, path);
    bool is_asked_for = unit->is_whole;

    for (size_t i = 0; !is_asked_for && i < unit->file_count; i++) {
        is_asked_for = text_equal(unit->files[i], real);
    }
    return is_asked_for &&
           (!units->changed || changed_kind(units->changed, real) != LINT_UNCHANGED);
}

void
lint_units_release(struct lint_units *units)
{
    for (size_t i = 0; i < units->count; i++) {
        struct lint_unit *unit = &units->items[i];
        for (size_t j = 0; j < unit->file_count; j++) {
            free(unit->files[j]);
        }
        free(unit->files);
        free(unit->folder);
        free(unit->real_folder);
    }
    free(units->items);
    project_destroy(&units->project);
    changed_destroy(&units->changed);
    *units = (struct lint_units){0};
}
