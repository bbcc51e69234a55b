/*
 * script_reading: one script on its way from its file into the manifest: its text, split and
 * understood, or run as it stands where the grammar cannot read it; what is wrong with it; and what
 * of it is kept. For whoever reads folders: reader.c, which makes bundles, and common/lint.
 */
#ifndef COMMON_MIGRATION_SCRIPT_READING_H
#define COMMON_MIGRATION_SCRIPT_READING_H

#include "common/migration/collection.h"
#include "common/migration/manifest.h"
#include "common/migration/reader.h"
#include "common/migration/refusal.h"

#define STATEMENTS_MAX 200000 /* of all files together; the manifest lists every one */

/* A folder that is being read. */
struct reading {
    const struct migrations_source *from;
    struct error_list *errors, *notes;

    struct listing *files;
    const struct layout *layout;
    size_t error_count; /* before anything was read */
    struct source_list sources;
    struct manifest manifest;
    struct text content;
    struct arena arena; /* what the manifest points to */
    size_t statement_count;
    struct catalog *catalog; /* what the ups so far leave behind; null: nobody asks */
    const char **versions;   /* whose each of the catalog's files is */
};

/*
 * Find the files and the layout, and collect the migrations in their order (reader.c). False when
 * there are none; whatever is wrong is in reading->errors.
 */
bool reading_collect(struct reading *reading);

/* One file on its way into the manifest. */
struct script_reading {
    struct reading *reading;
    const struct source *source;
    const char *path; /* for errors */
    const char *text;
    struct error_list found; /* what is wrong with it */
    struct arena scratch;
    struct annotations annotations;
    struct sql_script sql;
    struct judged judged;
    struct batch *batches;
    size_t batch_count;
    bool is_verify, is_raw;
};

/* Begin with a script; path and text are ready, nothing is looked at. */
void script_open(struct script_reading *script, struct reading *reading,
                 const struct source *source);

/*
 * Split it, read what its comments say, and look for what cannot be run. False when something is
 * wrong; that is in `found` then.
 */
bool script_understand(struct script_reading *script);

/* Add an error at a place in the script; people are shown the one in the file. Always false. */
bool script_refuse_at(struct script_reading *script, struct error *error, struct place place);

/* What of an understood script goes into the manifest, and its text into the content. */
void script_keep(struct script_reading *script, struct script *out);

/* Pass on what was found, as errors or as notes, and let go of the rest. */
void script_close(struct script_reading *script, struct error_list *list);

#endif
