/*
 * supabase: <digits>_<name>.sql in the order of the text, as the Supabase CLI keeps them in
 * supabase/migrations. Up only. An old <14 digits>_init.sql that comes first is passed over.
 */
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/migration/collection.h"

#define PATTERN "<digits>_<name>.sql"
#define INIT_DIGITS 14
#define INIT_BEFORE "20211209000000"

/* Their names say nothing; where they lie does. */
static bool
is_supabase(const struct listing *listing)
{
    CLEANUP(mem_free) char *folder = mem_format("%s/", listing->real_path);

    return strstr(folder, "/supabase/migrations/") != NULL;
}

static bool
claims(struct listing *listing, struct listed_file *file)
{
    return !file->is_folder && name_is_numbered(file->name, "_", ".sql") && is_supabase(listing);
}

static bool
is_old_init(const struct collection *collection, const struct listed_file *file)
{
    return collection->sources->count == 0 && strspn(file->name, "0123456789") == INIT_DIGITS &&
           text_equal(file->name + INIT_DIGITS, "_init.sql") &&
           strncmp(file->name, INIT_BEFORE, INIT_DIGITS) < 0;
}

static bool
read_file(struct collection *collection, struct listed_file *file,
          struct source_migration *migration)
{
    if (is_old_init(collection, file)) {
        return collection_pass_over(collection, file->name,
                                    "the schema that Supabase itself makes");
    }
    migration->up = collection_whole(collection, file);
    return true;
}

static void
collect(struct collection *collection)
{
    static const struct numbered numbered = {.separator = "_",
                                             .pattern = PATTERN,
                                             .passes_over = true,
                                             .compare = versioned_compare_names,
                                             .read = read_file};

    collection_collect_numbered(collection, &numbered);
}

const struct layout layout_supabase = {.name = "supabase",
                                       .pattern = PATTERN,
                                       .no_way_back = "Supabase's migrations know no way back",
                                       .claims = claims,
                                       .claims_numbers = true,
                                       .collect = collect};
