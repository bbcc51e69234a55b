/* debug machines, frame, bundle, errors, manual: what a developer wants to see at three in the
 * morning. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/file.h"
#include "proto/codec.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/complain.h"
#include "coordinator/cli/error_table.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/grid.h"
#include "coordinator/cli/machine_print.h"
#include "coordinator/cli/manual.h"
#include "coordinator/cli/page.h"
#include "coordinator/cli/services.h"
#include "coordinator/cli/show.h"

/* ---- machines ------------------------------------------------------------------------------ */

enum machine_format { MACHINE_TEXT, MACHINE_MERMAID, MACHINE_DOT, MACHINE_MARKDOWN };

/* "agent-step" or, as two arguments would be joined by a shell's quotes, "agent step". */
static bool
is_machine(const struct machine *machine, const char *name)
{
    size_t i = 0;

    for (; name[i] && machine->name[i]; i++) {
        if (name[i] != machine->name[i] && !(name[i] == '-' && machine->name[i] == ' ')) {
            return false;
        }
    }
    return !name[i] && !machine->name[i];
}

static const struct machine *
find_machine(const char *name, struct error *error)
{
    CLEANUP(text_release) struct text names = {0};

    for (size_t i = 0; machines_all[i]; i++) {
        if (is_machine(machines_all[i], name)) {
            return machines_all[i];
        }
        text_format(&names, "%s%s", i ? ", " : "", machines_all[i]->name);
    }
    error_set(error, "E-CLI-USAGE", "there is no machine '%.64s'", name);
    error_found(error, "machines: %s; a space is written as -", text_of(&names));
    return NULL;
}

static const char machines_head[] =
    "# The state machines\n\n"
    "*Printed by `skein debug machines --format markdown` from the tables that the programs run "
    "on.*\n\n"
    "An event that has no edge from the present state changes nothing: it is a repeat, or late.\n";

static void
print_machine(const struct call *call, const struct machine *machine, struct text *out)
{
    if (out->size > 0) {
        text_append(out, "\n");
    }
    switch ((enum machine_format)call_choice(call, "format")) {
    case MACHINE_TEXT:
        machine_print_text(machine, &call->terminal, out);
        break;
    case MACHINE_MERMAID:
        machine_print_mermaid(machine, out);
        break;
    case MACHINE_DOT:
        machine_print_dot(machine, out);
        break;
    case MACHINE_MARKDOWN:
        machine_print_markdown(machine, out);
        break;
    }
}

bool
command_debug_machines(struct call *call, struct error *error)
{
    CLEANUP(text_release) struct text out = {0};

    if (call_choice(call, "format") == MACHINE_MARKDOWN) {
        text_append(&out, machines_head);
    }
    for (size_t i = 0; i < call->argument_count; i++) {
        const struct machine *machine = find_machine(call->arguments[i], error);
        if (!machine) {
            return false;
        }
        print_machine(call, machine, &out);
    }
    for (size_t i = 0; call->argument_count == 0 && machines_all[i]; i++) {
        print_machine(call, machines_all[i], &out);
    }
    fputs(text_of(&out), call->terminal.out);
    return true;
}

/* ---- frame --------------------------------------------------------------------------------- */

static bool
read_stream(struct text *bytes, struct error *error)
{
    char piece[65536];
    ssize_t size;

    while ((size = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
        text_append_bytes(bytes, piece, (size_t)size);
        if (bytes->size > 2 * FRAME_SIZE_MAX + 2) {
            return error_set(error, "E-PROTO-LIMIT", "more bytes than a frame may have");
        }
    }
    return true;
}

/* Hex digits, with spaces and line ends between them, become the bytes they stand for. */
static void
unhex(struct text *bytes)
{
    CLEANUP(mem_free) char *digits = mem_zalloc(bytes->size + 1);
    size_t count = 0;

    for (size_t i = 0; i < bytes->size; i++) {
        char letter = bytes->data[i];
        if (strchr(" \t\r\n", letter) && letter) {
            continue;
        }
        if (!letter || !strchr("0123456789abcdefABCDEF", letter)) {
            return;
        }
        digits[count++] = letter;
    }
    CLEANUP(mem_free) char *raw = mem_zalloc(count / 2 + 1);
    if (count > 0 && count % 2 == 0 && text_from_hex(digits, raw, count / 2)) {
        text_clear(bytes);
        text_append_bytes(bytes, raw, count / 2);
    }
}

static bool
read_frame(const char *argument, struct text *bytes, struct error *error)
{
    bool is_read = true;

    if (text_equal(argument, "-")) {
        is_read = read_stream(bytes, error);
    } else if (access(argument, F_OK) == 0) {
        is_read = file_read(argument, FILE_ANY, 2 * FRAME_SIZE_MAX + 2, "E-CLI-FILE", bytes, error);
    } else {
        text_append(bytes, argument);
    }
    unhex(bytes);
    return is_read;
}

bool
command_debug_frame(struct call *call, struct error *error)
{
    static const enum message_sender senders[] = {FROM_AGENT, FROM_COORDINATOR, FROM_OPERATOR};
    static const char *const names[] = {"agent", "coordinator", "operator"};
    CLEANUP(text_release) struct text bytes = {0};
    CLEANUP(text_release) struct text out = {0};
    CLEANUP(arena_release) struct arena arena = {0};
    struct message message;
    char id[ID_TEXT_SIZE];
    size_t i = 0;

    if (!read_frame(call_argument(call, 0), &bytes, error)) {
        return false;
    }
    while (!codec_decode(text_of(&bytes), bytes.size, senders[i], &arena, &message, error)) {
        if (!error_is(error, "E-AUTH-TYPE") || ++i == sizeof senders / sizeof *senders) {
            return error_prefix(error, "%zu bytes", bytes.size);
        }
    }
    text_format(&out, "%s  from %s  cluster %s  %zu bytes\n", message_name(message.type), names[i],
                id_is_none(&message.cluster_id) ? "not known" : id_text(&message.cluster_id, id),
                bytes.size);
    pack_print(message_shape(message.type), &message.hello, &out);
    fprintf(call->terminal.out, "%s\n", text_of(&out));
    return true;
}

/* ---- bundle -------------------------------------------------------------------------------- */

static void
append_script_cell(struct grid *grid, bool is_there, const struct script *script)
{
    if (is_there) {
        grid_cell(grid, STYLE_PLAIN, "%zu%s", script->statement_count,
                  script->is_transactional ? "" : " alone");
    } else {
        grid_cell(grid, STYLE_FAINT, "-");
    }
}

/* What is wrong with the files, and only a note: a down that cannot be used, what was accepted. */
static void
append_notes(const struct error_list *notes, const struct terminal *terminal, struct text *out)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();

    grid_column(grid, "note", GRID_LEFT);
    grid_column(grid, "", GRID_LEFT);
    grid_column(grid, "", GRID_SHRINKS);
    for (size_t i = 0; i < notes->count; i++) {
        grid_row(grid);
        grid_cell(grid, STYLE_WARN, "%s", notes->errors[i].code);
        grid_cell(grid, STYLE_PLAIN, "%s", notes->errors[i].where);
        grid_cell(grid, STYLE_PLAIN, "%s", notes->errors[i].text);
    }
    if (notes->count > 0) {
        text_append(out, "\n");
        grid_render(grid, terminal, 0, out);
    }
}

static void
print_bundle(const struct call *call, const struct services *services)
{
    const struct bundle *bundle = services->bundles[0];
    CLEANUP(grid_destroy) struct grid *grid = grid_new();
    CLEANUP(text_release) struct text out = {0};
    char digest[2 * DIGEST_SIZE + 1], count[FORMAT_SIZE], size[FORMAT_SIZE];

    text_hex(bundle->digest.bytes, DIGEST_SIZE, digest);
    text_format(&out, "%s  layout %s  %s  %s\ndigest %s\n\n", bundle->manifest.service,
                bundle->manifest.layout,
                format_counted(bundle->manifest.migration_count, "migration", count),
                format_size(bundle->bytes.size, size), digest);
    grid_column(grid, "version", GRID_LEFT);
    grid_column(grid, "name", GRID_SHRINKS);
    grid_column(grid, "stage", GRID_HIDE_EMPTY);
    grid_column(grid, "up", GRID_LEFT);
    grid_column(grid, "down", GRID_LEFT);
    grid_column(grid, "verify", GRID_LEFT);
    grid_column(grid, "no way back", GRID_SHRINKS | GRID_HIDE_EMPTY);
    for (size_t i = 0; i < bundle->manifest.migration_count; i++) {
        const struct migration *migration = &bundle->manifest.migrations[i];
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", migration->version);
        grid_cell(grid, STYLE_PLAIN, "%s", migration->name ? migration->name : "");
        grid_cell(grid, STYLE_PLAIN, "%s", migration->stage ? migration->stage : "");
        append_script_cell(grid, migration->has_up, &migration->up);
        append_script_cell(grid, migration->has_down, &migration->down);
        append_script_cell(grid, migration->has_verify, &migration->verify);
        grid_cell(grid, STYLE_WARN, "%s", migration->irreversible ? migration->irreversible : "");
    }
    grid_render(grid, &call->terminal, 0, &out);
    append_notes(&services->notes, &call->terminal, &out);
    fputs(text_of(&out), call->terminal.out);
}

static json_t *
script_json(bool is_there, const struct script *script)
{
    json_t *statements = json_array();
    char checksum[2 * CHECKSUM_SIZE + 1];

    if (!is_there) {
        json_decref(statements);
        return json_null();
    }
    for (size_t i = 0; i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        json_array_append_new(statements,
                              json_pack("{s:I, s:I, s:o, s:b}", "line", (json_int_t)statement->line,
                                        "column", (json_int_t)statement->column, "tag",
                                        show_json_text(statement->tag), "transactional",
                                        statement->kind == STATEMENT_TRANSACTIONAL));
    }
    text_hex(script->checksum, CHECKSUM_SIZE, checksum);
    return json_pack("{s:o, s:s, s:b, s:o}", "path", show_json_text(script->path), "checksum",
                     checksum, "transactional", (int)script->is_transactional, "statements",
                     statements);
}

static json_t *
bundle_json(const struct services *services)
{
    const struct bundle *bundle = services->bundles[0];
    json_t *rows = json_array(), *notes = json_array();
    char digest[2 * DIGEST_SIZE + 1];

    for (size_t i = 0; i < bundle->manifest.migration_count; i++) {
        const struct migration *migration = &bundle->manifest.migrations[i];
        json_array_append_new(
            rows,
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
                      show_json_text(migration->version), "name", show_json_text(migration->name),
                      "stage", show_json_text(migration->stage), "irreversible",
                      show_json_text(migration->irreversible), "up",
                      script_json(migration->has_up, &migration->up), "down",
                      script_json(migration->has_down, &migration->down), "verify",
                      script_json(migration->has_verify, &migration->verify)));
    }
    for (size_t i = 0; i < services->notes.count; i++) {
        json_array_append_new(notes, complain_json(&services->notes.errors[i]));
    }
    text_hex(bundle->digest.bytes, DIGEST_SIZE, digest);
    return json_pack("{s:o, s:o, s:s, s:I, s:o, s:o}", "service",
                     show_json_text(bundle->manifest.service), "layout",
                     show_json_text(bundle->manifest.layout), "digest", digest, "size",
                     (json_int_t)bundle->bytes.size, "migrations", rows, "notes", notes);
}

bool
command_debug_bundle(struct call *call, struct error *error)
{
    CLEANUP(services_release) struct services services = {0};

    if (!services_read_any(call, call_argument(call, 0), &services, error)) {
        return false;
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal, bundle_json(&services));
    } else {
        print_bundle(call, &services);
    }
    return true;
}

/* ---- errors -------------------------------------------------------------------------------- */

bool
command_debug_errors(struct call *call, struct error *error)
{
    CLEANUP(grid_destroy) struct grid *grid = grid_new();
    CLEANUP(text_release) struct text out = {0};

    (void)error;
    if (call_choice(call, "format") != 0) {
        error_table_markdown(&out);
        fputs(text_of(&out), call->terminal.out);
        return true;
    }
    grid_column(grid, "code", GRID_LEFT);
    grid_column(grid, "exit", GRID_RIGHT);
    grid_column(grid, "meaning", GRID_SHRINKS);
    for (size_t i = 0; i < error_count; i++) {
        grid_row(grid);
        grid_cell(grid, STYLE_NAME, "%s", error_table[i].code);
        grid_cell(grid, STYLE_PLAIN, "%d", exit_status_of(error_table[i].code));
        grid_cell(grid, STYLE_PLAIN, "%s", error_table[i].sentence);
    }
    grid_print(grid, &call->terminal, 0);
    return true;
}

/* ---- manual -------------------------------------------------------------------------------- */

enum manual_format { MANUAL_MARKDOWN, MANUAL_MAN };

static bool
write_man_pages(const char *folder, struct error *error)
{
    CLEANUP(text_release) struct text content = {0};

    manual_man_overview(&content);
    if (!page_write(folder, "skein", ".1", &content, error)) {
        return false;
    }
    for (size_t i = 0; i < command_count; i++) {
        CLEANUP(text_release) struct text name = {0};
        text_clear(&content);
        manual_page_name(&command_table[i], &name);
        manual_man_page(&command_table[i], &content);
        if (!page_write(folder, text_of(&name), ".1", &content, error)) {
            return false;
        }
    }
    return true;
}

bool
command_debug_manual(struct call *call, struct error *error)
{
    CLEANUP(text_release) struct text content = {0};
    const char *folder = call_text(call, "out");
    bool is_man = (enum manual_format)call_choice(call, "format") == MANUAL_MAN;

    if (folder && !file_make_folder(folder, "E-OUTPUT", error)) {
        return false;
    }
    if (folder && is_man) {
        return write_man_pages(folder, error);
    }
    if (is_man) {
        manual_man_overview(&content);
    } else {
        manual_markdown(&content);
    }
    if (folder) {
        return page_write(folder, "cli", ".md", &content, error);
    }
    fputs(text_of(&content), call->terminal.out);
    return true;
}
