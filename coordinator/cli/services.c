#include "coordinator/cli/services.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/migration/project.h"
#include "common/migration/reader.h"
#include "common/migration/refusal.h"

/* The first of several mistakes is the error; the others are shown below it. */
static bool
hand_over(struct call *call, struct error_list *errors, struct error *error)
{
    *error = errors->errors[0];
    for (size_t i = 1; i < errors->count; i++) {
        error_list_add(&call->others, &errors->errors[i]);
    }
    call->others.dropped += errors->dropped;
    return false;
}

static void
keep(struct services *services, struct bundle *bundle)
{
    services->bundles[services->count++] = bundle;
}

/* What --accept names: the codes, with commas between. */
static bool
read_accepted(struct call *call, unsigned *accepted, struct error *error)
{
    CLEANUP(mem_free) char *codes = mem_text(call_text(call, "accept"));
    char *rest = NULL;

    for (char *code = codes ? strtok_r(codes, ", ", &rest) : NULL; code;
         code = strtok_r(NULL, ", ", &rest)) {
        if (!acceptance_of(code)) {
            error_set(error, "E-CLI-RANGE", "'%s' cannot be accepted", code);
            error_where(error, "--accept");
            error_found(error, "allowed are %s", ACCEPTABLE);
            return false;
        }
        *accepted |= acceptance_of(code);
    }
    return true;
}

static bool
read_folder(struct call *call, const char *folder, const char *service, struct services *services,
            struct error *error)
{
    CLEANUP(error_list_release) struct error_list errors = {0};
    struct migrations_source source = {
        .folder = folder, .service = service, .layout = call_text(call, "layout")};
    struct bundle *bundle = NULL;

    if (!read_accepted(call, &source.accepted, error)) {
        return false;
    }
    if (!migrations_read_source(&source, &bundle, &errors, &services->notes)) {
        return hand_over(call, &errors, error);
    }
    keep(services, bundle);
    return true;
}

static bool
read_of_project(struct call *call, const struct project *project, const char *name,
                struct services *services, struct error *error)
{
    CLEANUP(error_list_release) struct error_list errors = {0};
    const struct project_service *service = project_find(project, name, error);
    struct bundle *bundle = NULL;

    if (!service) {
        return false;
    }
    services->windows_differ |=
        services->count > 0 && !pack_equal(&window_shape, &services->window, &service->window);
    pack_copy(&window_shape, &service->window, &services->arena, &services->window);
    if (!project_read_service(service, &bundle, &errors, &services->notes)) {
        return hand_over(call, &errors, error);
    }
    keep(services, bundle);
    return true;
}

static bool
find_project(struct project **project_p, struct error *error)
{
    if (!project_open(".", project_p, error)) {
        if (error_is(error, "E-CFG-OPEN")) {
            error_hint(error, "name the folder with --migrations DIR, or write a skein.yaml");
        }
        return false;
    }
    return true;
}

static bool
refuse_twice(const char *const *names, size_t count, struct error *error)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (text_equal(names[i], names[j])) {
                return error_set(error, "E-CLI-USAGE", "service %s is named twice", names[i]);
            }
        }
    }
    return true;
}

static bool
refuse_folder_for_many(size_t count, struct error *error)
{
    if (count == 1) {
        return true;
    }
    error_set(error, "E-CLI-USAGE", "--migrations is the folder of one service; %zu are named",
              count);
    return error_hint(error, "name the services in a skein.yaml");
}

bool
services_read(struct call *call, const char *const *names, size_t name_count,
              struct services *services, struct error *error)
{
    const char *folder = call_text(call, "migrations");
    CLEANUP(project_destroy) struct project *project = NULL;

    services->bundles = mem_zalloc(name_count * sizeof(struct bundle *));
    if (folder) {
        return refuse_folder_for_many(name_count, error) &&
               read_folder(call, folder, names[0], services, error);
    }
    if (!refuse_twice(names, name_count, error) || !find_project(&project, error)) {
        return false;
    }
    for (size_t i = 0; i < name_count; i++) {
        if (!read_of_project(call, project, names[i], services, error)) {
            return false;
        }
    }
    return true;
}

static bool
only_service(const struct project *project, const char **name, struct error *error)
{
    CLEANUP(text_release) struct text names = {0};

    if (project->service_count == 1) {
        *name = project->services[0].name;
        return true;
    }
    for (size_t i = 0; i < project->service_count; i++) {
        text_format(&names, "%s%s", i ? ", " : "", project->services[i].name);
    }
    error_set(error, "E-CLI-USAGE", "it is not said whose migrations");
    error_where(error, "%s", project->file);
    error_found(error, "services: %s", text_of(&names));
    return error_hint(error, "name one of them, or a folder with --migrations");
}

bool
services_read_one(struct call *call, const char *name, struct services *services,
                  struct error *error)
{
    const char *folder = call_text(call, "migrations");
    CLEANUP(project_destroy) struct project *project = NULL;

    services->bundles = mem_zalloc(sizeof(struct bundle *));
    if (folder) {
        return read_folder(call, folder, name ? name : "local", services, error);
    }
    return find_project(&project, error) && (name || only_service(project, &name, error)) &&
           read_of_project(call, project, name, services, error);
}

bool
services_read_any(struct call *call, const char *name_or_folder, struct services *services,
                  struct error *error)
{
    CLEANUP(project_destroy) struct project *project = NULL;
    struct stat facts;

    services->bundles = mem_zalloc(sizeof(struct bundle *));
    if (text_is_name(name_or_folder) && project_open(".", &project, error) &&
        project_find(project, name_or_folder, error)) {
        return read_of_project(call, project, name_or_folder, services, error);
    }
    if (stat(name_or_folder, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        return read_folder(call, name_or_folder, "local", services, error);
    }
    error_set(error, "E-CLI-USAGE", "'%.64s' is neither a service of a skein.yaml nor a folder",
              name_or_folder);
    return error_hint(error, "see: skein debug bundle --help");
}

void
services_release(struct services *services)
{
    for (size_t i = 0; i < services->count; i++) {
        bundle_destroy(&services->bundles[i]);
    }
    free(services->bundles);
    error_list_release(&services->notes);
    arena_release(&services->arena);
    *services = (struct services){0};
}

const struct bundle *
services_find(const struct services *services, const char *service)
{
    for (size_t i = 0; i < services->count; i++) {
        if (text_equal(services->bundles[i]->manifest.service, service)) {
            return services->bundles[i];
        }
    }
    return NULL;
}
