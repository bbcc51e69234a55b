#include "tests/component/cli/program.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "tests/support/unit.h"

#define WORDS_MAX 40

static const char *
program_path(void)
{
    static char path[512];
    const char *build = getenv("SKEIN_BUILD");
    ssize_t size;

    if (build) {
        snprintf(path, sizeof path, "%s/bin/skein", build);
        return path;
    }
    size = readlink("/proc/self/exe", path, sizeof path - 32);
    assert_true(size > 0);
    path[size] = '\0';
    char *folder = dirname(dirname(path));
    memmove(path, folder, strlen(folder) + 1);
    return strcat(path, "/bin/skein");
}

static char *
read_all(FILE *file)
{
    long size = ftell(file);
    char *content = mem_zalloc((size_t)size + 1);

    rewind(file);
    assert_int_equal(fread(content, 1, (size_t)size, file), size);
    fclose(file);
    return content;
}

static _Noreturn void
become(const char *folder, const char *const *words, FILE *out, FILE *err)
{
    const char *arguments[WORDS_MAX + 2] = {"skein"};

    for (size_t i = 0; i < WORDS_MAX && words[i]; i++) {
        arguments[i + 1] = words[i];
    }
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    if (!folder || chdir(folder) == 0) {
        /* execv does not write to its words, but says otherwise. */
        union {
            const char **looked_at;
            char **given;
        } argv = {arguments};
        execv(program_path(), argv.given);
    }
    perror(program_path());
    _exit(127);
}

struct program_end
program_run(const char *folder, const char *const *words)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int status;

    assert_true(out && err);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        become(folder, words, out, err);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    fseek(out, 0, SEEK_END);
    fseek(err, 0, SEEK_END);
    return (struct program_end){.status = WIFEXITED(status) ? WEXITSTATUS(status)
                                                            : 128 + WTERMSIG(status),
                                .out = read_all(out),
                                .err = read_all(err)};
}

void
program_forget(struct program_end *end)
{
    free(end->out);
    free(end->err);
}

void
program_must_end(const struct program_end *end, int status)
{
    if (end->status != status) {
        fail_msg("status %d, not %d\n%s\n%s", end->status, status, end->out, end->err);
    }
}

void
program_must_say(const struct program_end *end, const char *part)
{
    if (!strstr(end->out, part) && !strstr(end->err, part)) {
        fail_msg("'%s' is not said:\n%s\n%s", part, end->out, end->err);
    }
}
