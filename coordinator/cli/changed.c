#include "coordinator/cli/changed.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uthash.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define OUTPUT_MAX ((size_t)64 << 20)

extern char **environ;

struct changed_file {
    UT_hash_handle hh;
    enum lint_change kind;
    char path[];
};

struct changed {
    struct changed_file *files;
};

/* ---- git ------------------------------------------------------------------------------------- */

/* Run git in a folder; its output is appended. False when it ends with an error. */
static bool
run_git(const char *folder, const char *const *words, struct text *out)
{
    const char *argv[16] = {"git", "-C", folder};
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    pid_t pid = -1;
    char piece[65536];
    ssize_t size = 0;

    for (size_t i = 0; words[i]; i++) {
        argv[3 + i] = words[i];
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* posix_spawnp takes what it does not change without const. */
    char **words_of_git = mem_copy(argv, sizeof argv);
    bool is_started = posix_spawnp(&pid, "git", &actions, NULL, words_of_git, environ) == 0;
    free(words_of_git);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (is_started && out->size < OUTPUT_MAX &&
           (size = read(ends[0], piece, sizeof piece)) > 0) {
        text_append_bytes(out, piece, (size_t)size);
    }
    close(ends[0]);
    return is_started && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* The first line of what git says, without its end. */
static bool
ask_git(const char *folder, const char *const *words, struct text *out)
{
    bool succeeded = run_git(folder, words, out);

    if (succeeded && out->size) {
        out->size = strcspn(out->data, "\n");
        out->data[out->size] = '\0';
    }
    return succeeded && out->size > 0;
}

/* ---- the files ------------------------------------------------------------------------------- */

static void
add_file(struct changed *changed, const char *top, const char *name, enum lint_change kind)
{
    size_t size = strlen(top) + 1 + strlen(name) + 1;
    struct changed_file *file = mem_zalloc(sizeof *file + size), *twin = NULL;

    file->kind = kind;
    snprintf(file->path, size, "%s/%s", top, name);
    HASH_FIND_STR(changed->files, file->path, twin);
    if (twin) {
        free(file);
    } else {
        HASH_ADD_STR(changed->files, path, file);
    }
}

/* A letter and a name, each with a NUL behind it, relative to the top. */
static void
add_changed(struct changed *changed, const char *top, const struct text *pairs)
{
    for (size_t at = 0; at < pairs->size;) {
        enum lint_change kind = pairs->data[at] == 'A' ? LINT_ADDED : LINT_EDITED;
        at += strlen(pairs->data + at) + 1;
        if (at < pairs->size) {
            add_file(changed, top, pairs->data + at, kind);
            at += strlen(pairs->data + at) + 1;
        }
    }
}

/* What git does not know yet. */
static void
add_new(struct changed *changed, const char *top, const struct text *names)
{
    for (size_t at = 0; at < names->size; at += strlen(names->data + at) + 1) {
        add_file(changed, top, names->data + at, LINT_ADDED);
    }
}

static bool
refuse_revision(const char *revision, struct error *error)
{
    error_set(error, "E-CLI-RANGE", "git knows no revision '%.100s'", revision);
    error_where(error, "--changed-since");
    return error_hint(error, "a branch, a tag or a commit: origin/main; in a pipeline, fetch it "
                             "with its history (fetch-depth: 0)");
}

bool
changed_read(const char *folder, const char *revision, struct changed **changed_p,
             struct error *error)
{
    CLEANUP(text_release) struct text top = {0}, commit = {0}, base = {0}, pairs = {0}, names = {0};
    CLEANUP(mem_free) char *peeled = mem_format("%s^{commit}", revision);
    const char *const ask_top[] = {"rev-parse", "--show-toplevel", NULL};
    const char *const ask_commit[] = {"rev-parse", "--verify", "--end-of-options", peeled, NULL};

    *changed_p = NULL;
    if (!ask_git(folder, ask_top, &top)) {
        error_set(error, "E-CLI-FILE", "--changed-since needs git, and a folder that it keeps");
        return error_where(error, "%s", folder);
    }
    if (!revision[0] || !ask_git(text_of(&top), ask_commit, &commit)) {
        return refuse_revision(revision, error);
    }
    const char *const ask_base[] = {"merge-base", text_of(&commit), "HEAD", NULL};
    bool has_base = ask_git(text_of(&top), ask_base, &base);
    const char *const ask_changed[] = {"diff",
                                       "--name-status",
                                       "-z",
                                       "--no-renames",
                                       "--diff-filter=d",
                                       text_of(has_base ? &base : &commit),
                                       "--",
                                       NULL};
    const char *const ask_new[] = {"ls-files", "-z", "--others", "--exclude-standard", NULL};
    if (!run_git(text_of(&top), ask_changed, &pairs) || !run_git(text_of(&top), ask_new, &names)) {
        return error_set(error, "E-CLI-FILE", "git cannot say what has changed");
    }
    *changed_p = mem_zalloc(sizeof **changed_p);
    add_changed(*changed_p, text_of(&top), &pairs);
    add_new(*changed_p, text_of(&top), &names);
    return true;
}

void
changed_destroy(struct changed **changed_p)
{
    struct changed_file *file = NULL, *next = NULL;

    if (*changed_p) {
        HASH_ITER(hh, (*changed_p)->files, file, next)
        {
            HASH_DEL((*changed_p)->files, file);
            free(file);
        }
        free(*changed_p);
        *changed_p = NULL;
    }
}

enum lint_change
changed_kind(const struct changed *changed, const char *path)
{
    struct changed_file *file = NULL;

    HASH_FIND_STR(changed->files, path, file);
    return file ? file->kind : LINT_UNCHANGED;
}
