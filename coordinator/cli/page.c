#include "coordinator/cli/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

bool
page_write(const char *folder, const char *name, const char *suffix, const struct text *content,
           struct error *error)
{
    CLEANUP(mem_free) char *path = mem_format("%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "we");
    bool is_written = file && fputs(text_of(content), file) >= 0;

    if (file && fclose(file) != 0) {
        is_written = false;
    }
    if (!is_written) {
        error_set(error, "E-OUTPUT", "the page cannot be written: %s", strerror(errno));
        error_where(error, "%s", path);
    }
    return is_written;
}
