/* batch_scene: migrations of one file each, read as the command line reads them, for one scene. */
#ifndef TESTS_COMPONENT_EXECUTE_BATCH_SCENE_H
#define TESTS_COMPONENT_EXECUTE_BATCH_SCENE_H

#include "common/base/mem.h"
#include "common/migration/reader.h"
#include "tests/component/execute/scene.h"
#include "tests/support/folder.h"

/* The scene's next orders carry these files out, which are written into the folder. */
static inline void
plan_both(struct scene *scene, const struct folder *folder, const char *up, const char *down)
{
    struct error_list errors = {0}, notes = {0};

    folder_text(folder, "001_m.up.sql", up, 0644);
    if (down) {
        folder_text(folder, "001_m.down.sql", down, 0644);
    }
    bundle_destroy(&scene->bundle);
    if (!migrations_read(folder->path, "test", "pairs", &scene->bundle, &errors, &notes)) {
        fail_msg("%s: %s %s", up, errors.errors[0].code, errors.errors[0].text);
    }
    error_list_release(&errors);
    error_list_release(&notes);
}

/* The same with an up alone. */
static inline void
plan_file(struct scene *scene, const char *up)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();

    plan_both(scene, &folder, up, NULL);
}

#endif
