#include "common/lint/repair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/file.h"
#include "common/migration/manifest.h"

/* Whether all fixes of a finding stand behind what is written already, in their order. */
static bool
fits(const struct finding *finding, size_t written)
{
    for (size_t i = 0; i < finding->fix_count; i++) {
        if (finding->fixes[i].begin.offset < written) {
            return false;
        }
        written = finding->fixes[i].end.offset;
    }
    return finding->fix_count > 0;
}

size_t
repair_text(const struct finding *first, size_t count, const char *text, size_t size,
            struct text *out)
{
    size_t written = 0, repaired = 0;

    for (size_t i = 0; i < count; i++) {
        const struct finding *finding = &first[i];
        if (!fits(finding, written)) {
            continue;
        }
        for (size_t j = 0; j < finding->fix_count; j++) {
            const struct fix *fix = &finding->fixes[j];
            text_append_bytes(out, text + written, fix->begin.offset - written);
            text_append(out, fix->text);
            written = fix->end.offset;
        }
        repaired++;
    }
    text_append_bytes(out, text + written, size - written);
    return repaired;
}

/* Put the new text in the place of the file at once, with the old one's mode. */
static bool
replace(const char *path, const struct text *content, struct error *error)
{
    CLEANUP(mem_free) char *fresh = mem_format("%s.skein-fix", path);
    struct stat facts;
    bool is_written = stat(path, &facts) == 0;
    FILE *file = is_written ? fopen(fresh, "wex") : NULL;

    is_written = file && fwrite(content->data, 1, content->size, file) == content->size &&
                 fchmod(fileno(file), facts.st_mode & 07777) == 0 && fflush(file) == 0 &&
                 fsync(fileno(file)) == 0;
    if (file && fclose(file) != 0) {
        is_written = false;
    }
    if (is_written && rename(fresh, path) == 0) {
        return true;
    }
    error_set(error, "E-OUTPUT", "the file cannot be written: %s", strerror(errno));
    if (file) {
        unlink(fresh);
    }
    return error_where(error, "%s", path);
}

/* The findings of one file. */
static bool
repair_file(const struct finding *first, size_t count, size_t *repaired, struct error *error)
{
    CLEANUP(text_release) struct text before = {0}, after = {0};

    if (!file_read(first->path, FILE_ANY, SCRIPT_SIZE_MAX, "E-MIG-OPEN", &before, error)) {
        return false;
    }
    size_t done = repair_text(first, count, text_of(&before), before.size, &after);
    if (done == 0) {
        return true;
    }
    *repaired += done;
    return replace(first->path, &after, error);
}

bool
repair_files(const struct finding_list *findings, size_t *count, struct error *error)
{
    *count = 0;
    for (size_t first = 0, next = 0; first < findings->count; first = next) {
        bool has_fix = false;
        while (next < findings->count &&
               strcmp(findings->items[next].path, findings->items[first].path) == 0) {
            has_fix = has_fix || findings->items[next].fix_count > 0;
            next++;
        }
        if (has_fix && !repair_file(&findings->items[first], next - first, count, error)) {
            return false;
        }
    }
    return true;
}
