/* init: the files that a project begins with. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/io/file.h"
#include "common/patterns/embedded.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/show.h"

struct initiation {
    const struct call *call;
    struct arena arena;
    const char *folder, *service, *repository; /* null: nobody said where Skein comes from */
    json_t *made, *kept;
};

static void
initiation_release(struct initiation *initiation)
{
    arena_release(&initiation->arena);
    json_decref(initiation->made);
    json_decref(initiation->kept);
}

/* ---- one file ---------------------------------------------------------------------------------
 */

static const char *
template_text(const char *name)
{
    for (const struct embedded *file = embedded_project; file->name; file++) {
        if (text_equal(file->name, name)) {
            return file->text;
        }
    }
    return "";
}

/* What stands for a word in braces; null when it is none of ours. */
static const char *
meaning(struct initiation *initiation, const char *word, const char *name)
{
    if (text_equal(word, "service")) {
        return initiation->service;
    }
    if (text_equal(word, "version")) {
        return SKEIN_VERSION;
    }
    if (text_equal(word, "repository")) {
        bool is_github = text_equal(name, "github.yml");
        return initiation->repository ? initiation->repository
               : is_github            ? "${{ vars.SKEIN_REPOSITORY }}"
                                      : "";
    }
    if (text_equal(word, "gitlab_repository")) {
        return initiation->repository
                   ? arena_format(&initiation->arena, "    SKEIN_REPOSITORY: %s",
                                  initiation->repository)
                   : "    # SKEIN_REPOSITORY is a variable of the project or the group";
    }
    return NULL;
}

static void
expand(struct initiation *initiation, const char *name, struct text *out)
{
    const char *text = template_text(name);

    while (*text) {
        size_t plain = strcspn(text, "{");
        text_append_bytes(out, text, plain);
        text += plain;
        size_t size = *text ? strcspn(text, "}") : 0;
        const char *word =
            size ? arena_format(&initiation->arena, "%.*s", (int)size - 1, text + 1) : "";
        const char *put = meaning(initiation, word, name);
        if (put) {
            text_append(out, put);
            text += size + 1;
        } else if (*text) {
            text_append_bytes(out, text++, 1);
        }
    }
}

/* What to do by hand, where the file was there before. */
static const char *
advice(const char *path)
{
    if (text_equal(path, ".gitlab-ci.yml")) {
        return ": add to it \"include: [{local: .gitlab/skein.yml}]\"";
    }
    if (text_equal(path, ".pre-commit-config.yaml")) {
        return ": add to it a local hook with \"entry: skein lint\"";
    }
    return "";
}

/* Make it, unless there is something of that name. */
static bool
make_file(struct initiation *initiation, const char *path, const char *name, bool *is_made,
          struct error *error)
{
    const struct terminal *terminal = &initiation->call->terminal;
    CLEANUP(text_release) struct text content = {0};
    char *whole = arena_format(&initiation->arena, "%s/%s", initiation->folder, path);
    char *slash = strrchr(whole, '/');
    bool is_quiet = call_wants_json(initiation->call);

    *is_made = access(whole, F_OK) != 0 && errno == ENOENT;
    if (!*is_made) {
        json_array_append_new(initiation->kept, show_json_text(path));
        if (!is_quiet) {
            show_line(terminal, "kept  %s%s", path, advice(path));
        }
        return true;
    }
    expand(initiation, name, &content);
    *slash = '\0';
    bool has_folder = file_make_folder(whole, "E-OUTPUT", error);
    *slash = '/';
    if (!has_folder ||
        !file_create(whole, 0644, text_of(&content), "E-OUTPUT", "E-PATTERN-EXISTS", error)) {
        return false;
    }
    json_array_append_new(initiation->made, show_json_text(path));
    if (!is_quiet) {
        show_line(terminal, "made  %s", path);
    }
    return true;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static bool
make_all(struct initiation *initiation, struct error *error)
{
    const char *hooks =
        initiation->repository ? "pre-commit-repository.yaml" : "pre-commit-local.yaml";
    const char *readme =
        arena_format(&initiation->arena, "services/%s/migrations/README.md", initiation->service);
    bool is_made = false;

    /* A service that an older skein.yaml does not know needs no folder. */
    return make_file(initiation, "skein.yaml", "skein.yaml", &is_made, error) &&
           (!is_made || make_file(initiation, readme, "README.md", &is_made, error)) &&
           make_file(initiation, ".pre-commit-config.yaml", hooks, &is_made, error) &&
           make_file(initiation, ".github/workflows/skein.yml", "github.yml", &is_made, error) &&
           make_file(initiation, ".gitlab/skein.yml", "gitlab.yml", &is_made, error) &&
           make_file(initiation, ".gitlab-ci.yml", "gitlab-ci.yml", &is_made, error);
}

/* It is written into files of other tools as it stands. */
static bool
check_words(const struct initiation *initiation, struct error *error)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.@_+~-";
    const char *repository = initiation->repository;

    if (strchr(initiation->service, '/') || strchr(initiation->service, '@')) {
        error_set(error, "E-NAME-SYNTAX", "'%.64s' cannot be a service's folder",
                  initiation->service);
        return error_hint(error, "letters, digits, - and _: orders");
    }
    if (repository && (!repository[0] || repository[strspn(repository, allowed)])) {
        error_set(error, "E-CLI-RANGE", "this is no URL of a git repository");
        error_where(error, "--repository");
        return error_found(error, "%s", repository);
    }
    return true;
}

bool
command_init(struct call *call, struct error *error)
{
    const char *folder = call_argument(call, 0);
    CLEANUP(initiation_release)
    struct initiation initiation = {.call = call,
                                    .folder = folder ? folder : ".",
                                    .service = call_text(call, "service"),
                                    .repository = call_text(call, "repository"),
                                    .made = json_array(),
                                    .kept = json_array()};

    if (!check_words(&initiation, error) ||
        !file_make_folder(initiation.folder, "E-OUTPUT", error) || !make_all(&initiation, error)) {
        return false;
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal,
                  json_pack("{s:O, s:O}", "made", initiation.made, "kept", initiation.kept));
    }
    return true;
}
