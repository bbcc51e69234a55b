#include "coordinator/cli/lint_sizes.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/io/file.h"
#include "common/postgres/inventory.h"
#include "coordinator/cli/ask.h"

#define WAIT_MS 30000
#define LIST_SIZE_MAX ((size_t)1 << 20)

static bool
ask(struct connection *connection, const char *target, struct size_list *sizes, struct error *error)
{
    const struct patience patience = {.deadline_ms = clock_now_ms() + WAIT_MS};
    struct inventory inventory;

    if (!inventory_read(connection, 0, &patience, &sizes->arena, &inventory)) {
        error_set(error, "E-DB-QUERY", "the sizes of the tables cannot be read: %s",
                  connection_error(connection)->message);
        return error_where(error, "%s", connection_place(connection));
    }
    target = arena_text(&sizes->arena, target);
    for (size_t i = 0; i < inventory.table_count; i++) {
        const struct inventory_table *table = &inventory.tables[i];
        struct table_size *size = size_list_add(sizes);
        size->schema = table->schema;
        size->name = table->name;
        size->target = target;
        size->rows = table->rows;
        size->bytes = table->bytes;
        size->writes_per_hour = table->writes_per_hour;
    }
    sizes->replicas += inventory.replicas;
    sizes->target_count++;
    return true;
}

bool
lint_sizes_read(const char *conninfo, const char *target, struct size_list *sizes, unsigned *major,
                struct error *error)
{
    CLEANUP(interrupt_destroy) struct interrupt *interrupt = interrupt_new();
    const struct connection_config config = {
        .conninfo = conninfo, .application_name = "skein lint", .interrupt = interrupt};
    struct connection *connection = NULL;

    if (!connection_check_conninfo(conninfo, error) ||
        !connection_open(&config, &connection, error)) {
        return false;
    }
    unsigned version = (unsigned)connection_server_version(connection) / 10000;
    *major = *major && *major < version ? *major : version;
    bool succeeded = ask(connection, target, sizes, error);
    connection_close(&connection);
    return succeeded;
}

/* "prod-eu-7 host=… dbname=…"; the line is cut in two. */
static bool
read_line(char *line, const char *path, size_t number, struct size_list *sizes, unsigned *major,
          struct error *error)
{
    char *name = line + strspn(line, " \t");
    size_t size = strcspn(name, " \t");

    if (!*name || *name == '#') {
        return true;
    }
    if (!name[size] || size > 128) {
        error_set(error, "E-CLI-FILE", "a line names no database");
        error_where(error, "%s:%zu", path, number);
        return error_hint(error, "a name and a connection string: prod-eu-7 service=auth-eu-7");
    }
    name[size] = '\0';
    return lint_sizes_read(name + size + 1, name, sizes, major, error) ||
           error_prefix(error, "%s", name);
}

bool
lint_sizes_read_list(const char *path, struct size_list *sizes, unsigned *major,
                     struct error *error)
{
    CLEANUP(text_release) struct text content = {0};
    char *rest = NULL;

    if (!file_read(path, FILE_ANY, LIST_SIZE_MAX, "E-CLI-FILE", &content, error)) {
        return false;
    }
    size_t number = 1;
    for (char *line = content.data; line; line = rest, number++) {
        rest = strchr(line, '\n');
        if (rest) {
            *rest++ = '\0';
        }
        if (!read_line(line, path, number, sizes, major, error)) {
            return false;
        }
    }
    return true;
}

/* ---- the fleet ----------------------------------------------------------------------------- */

static void
add_rows(const struct sizes_view *view, struct size_list *sizes)
{
    for (size_t i = 0; i < view->table_count; i++) {
        const struct size_row *row = &view->tables[i];
        struct table_size *size = size_list_add(sizes);
        size->schema = arena_text(&sizes->arena, row->schema);
        size->name = arena_text(&sizes->arena, row->name);
        size->target = arena_text(&sizes->arena, row->target);
        size->rows = row->rows;
        size->bytes = row->bytes;
        size->writes_per_hour = row->writes_per_hour;
        size->target_count = row->target_count;
        size->large_count = row->large_count;
    }
    sizes->replicas += view->replicas;
    sizes->target_count += view->measured_count;
    sizes->silent_count += view->target_count - view->measured_count;
    sizes->below = view->below > sizes->below ? view->below : sizes->below;
}

bool
lint_sizes_ask(const struct call *call, const char *service, struct size_list *sizes,
               unsigned *major, struct error *error)
{
    CLEANUP(client_destroy) struct client *client = ask_open(call, error);
    CLEANUP(arena_release) struct arena arena = {0};
    struct message request = {.type = MESSAGE_SIZES}, answer;

    request.sizes = (struct sizes){
        .service = service, .select = call_text(call, "select"), .large_bytes = SIZE_LARGE};
    if (!client || !ask_for(client, &request, MESSAGE_SIZES_VIEW, &arena, &answer, error)) {
        return false;
    }
    const struct sizes_view *view = &answer.sizes_view;
    if (!view->measured_count) {
        fault_to_error(&view->fault, error);
        return error_prefix(error, "no target of %s tells how large its tables are", service);
    }
    unsigned version = (unsigned)(view->server_version / 10000);
    *major = *major && *major < version ? *major : version;
    add_rows(view, sizes);
    return true;
}
