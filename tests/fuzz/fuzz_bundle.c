/* The bytes of a bundle, read under the digest that they have: what a hostile maker could send. */
#include "common/base/mem.h"
#include "common/migration/bundle.h"

#include "tests/fuzz/fuzz.h"

/* Every place that the manifest names can be read. */
static size_t
touch(const struct bundle *bundle, const struct script *script)
{
    size_t sum = 0;

    for (size_t i = 0; script && i < script->statement_count; i++) {
        const struct statement *statement = &script->statements[i];
        const char *text = bundle_script_text(bundle, script) + statement->offset;
        sum += (size_t)text[0] + (size_t)text[statement->size - 1];
    }
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(bundle_destroy) struct bundle *bundle = NULL;
    struct digest digest = digest_of(data, size);
    struct error error;
    size_t sum = 0;

    if (!bundle_read(data, size, &digest, &bundle, &error)) {
        MUST(!bundle && error.code[0] && error.text[0]);
        return 0;
    }
    for (size_t i = 0; i < bundle->manifest.migration_count; i++) {
        const struct migration *migration = &bundle->manifest.migrations[i];
        sum += touch(bundle, migration_script(migration, DIRECTION_UP));
        sum += touch(bundle, migration_script(migration, DIRECTION_DOWN));
        sum += touch(bundle, migration->has_verify ? &migration->verify : NULL);
        MUST(manifest_find(&bundle->manifest, migration->version) == migration);
    }
    MUST(sum != SIZE_MAX); /* so that the bytes are really read */
    return 0;
}
