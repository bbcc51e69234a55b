#include "tests/component/sql/kinds.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#define MARK "-- "

static void
give_up(const char *name, const char *what)
{
    fprintf(stderr, "tests/component/sql/%s: %s\n", name, what);
    abort();
}

char *
kinds_read_text(const char *name)
{
    char path[4096];
    const char *source = getenv("SKEIN_SOURCE");

    snprintf(path, sizeof path, "%s/tests/component/sql/%s", source ? source : ".", name);
    FILE *file = fopen(path, "r");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        give_up(name, "cannot be read");
    }
    long size = ftell(file);
    char *text = mem_zalloc((size_t)size + 1);
    rewind(file);
    if (fread(text, 1, (size_t)size, file) != (size_t)size) {
        give_up(name, "cannot be read to its end");
    }
    fclose(file);
    return text;
}

/* A marked line that begins a part: "-- when:"; null when it is none. */
static char *
part_at(char *line, const char *part)
{
    size_t size = strlen(part);
    bool is_part =
        strncmp(line, MARK, strlen(MARK)) == 0 && strncmp(line + strlen(MARK), part, size) == 0;
    return is_part ? line + strlen(MARK) + size : NULL;
}

static void
begin_part(struct kind *kind, char *line, char *next)
{
    if (part_at(line, "given:")) {
        kind->given = next;
    } else if (part_at(line, "when:")) {
        kind->when = next;
    } else if (part_at(line, "while:") && kind->while_count < WHILES_MAX) {
        kind->whiles[kind->while_count++] = next;
    } else {
        give_up(line, "is no part of a kind");
    }
}

static void
begin_kind(struct kinds *kinds, char *title)
{
    kinds->kinds = realloc(kinds->kinds, (kinds->count + 1) * sizeof *kinds->kinds);
    kinds->kinds[kinds->count++] = (struct kind){.title = title + strspn(title, " ")};
}

/* Every marked line ends what stands before it. */
struct kinds
kinds_read(const char *name)
{
    struct kinds kinds = {.text = kinds_read_text(name)};

    for (char *line = kinds.text, *next; *line; line = next) {
        char *end = strchr(line, '\n');
        next = end ? end + 1 : line + strlen(line);
        if (strncmp(line, MARK, strlen(MARK)) != 0) {
            continue;
        }
        if (end) {
            *end = '\0';
        }
        char *title = part_at(line, "kind:");
        if (title) {
            begin_kind(&kinds, title);
        } else if (kinds.count) { /* before the first: what the file is about */
            begin_part(&kinds.kinds[kinds.count - 1], line, next);
        }
        *line = '\0';
    }
    for (size_t i = 0; i < kinds.count; i++) {
        if (!kinds.kinds[i].when) {
            give_up(kinds.kinds[i].title, "has no statement");
        }
    }
    return kinds;
}

void
kinds_release(struct kinds *kinds)
{
    free(kinds->kinds);
    free(kinds->text);
}
