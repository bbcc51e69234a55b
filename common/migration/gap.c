#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/migration/reader.h"

/* The number of a version; false when it is none that counts up by one. */
static bool
number_of(const char *version, int64_t *number)
{
    while (version[0] == '0' && version[1]) {
        version++;
    }
    return text_to_number(version, 0, INT64_MAX - 1, number);
}

bool
migrations_check_gaps(const struct bundle *bundle, const char *folder, struct error_list *errors)
{
    const struct manifest *manifest = &bundle->manifest;
    int64_t before = 0, number = 0;
    bool succeeded = true;
    struct error error;

    for (size_t i = 0; i < manifest->migration_count; i++, before = number) {
        const struct migration *migration = &manifest->migrations[i];
        bool is_number = number_of(migration->version, &number);
        if (i == 0 || (is_number && number == before + 1)) {
            continue;
        }
        error_set(&error, "E-MIG-GAP", "a number is left out before this migration");
        error_where(&error, "%s/%s", folder, migration->up.path);
        error_found(&error, "version %s behind %s", migration->version,
                    manifest->migrations[i - 1].version);
        error_hint(&error, "rename it, or set gaps: allow for the service in skein.yaml");
        succeeded = error_list_add(errors, &error);
    }
    return succeeded;
}
