#include "tests/component/cli/program.h"

#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
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
become(const char *folder, const char *const *words)
{
    const char *arguments[WORDS_MAX + 2] = {"skein"};

    for (size_t i = 0; i < WORDS_MAX && words[i]; i++) {
        arguments[i + 1] = words[i];
    }
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
        int nothing = open("/dev/null", O_RDONLY);
        dup2(nothing, STDIN_FILENO);
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        become(folder, words);
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

/* ---- before a terminal --------------------------------------------------------------------- */

struct program_session
program_open(const char *folder, const char *const *words)
{
    struct program_session session = {0};
    struct winsize size = {.ws_row = 24, .ws_col = 80};

    session.pid = forkpty(&session.terminal, NULL, NULL, &size);
    assert_true(session.pid >= 0);
    if (session.pid == 0) {
        setenv("TERM", "xterm", 1);
        become(folder, words);
    }
    return session;
}

/* Take what was drawn; false when nothing more can come. */
static bool
take(struct program_session *session, int64_t wait_ms)
{
    struct pollfd item = {.fd = session->terminal, .events = POLLIN};
    char piece[4096];

    if (poll(&item, 1, (int)wait_ms) <= 0) {
        return true;
    }
    ssize_t size = read(session->terminal, piece, sizeof piece);
    if (size > 0) {
        text_append_bytes(&session->seen, piece, (size_t)size);
    }
    return size > 0;
}

void
program_must_draw(struct program_session *session, const char *part)
{
    int64_t deadline_ms = clock_now_ms() + 20000;
    const char *found = NULL;
    bool goes_on = true;

    while (!(found = strstr(text_of(&session->seen), part)) && goes_on &&
           clock_now_ms() < deadline_ms) {
        goes_on = take(session, 100);
    }
    if (!found) {
        fail_msg("'%s' is not drawn:\n%s", part, text_of(&session->seen));
    }
    CLEANUP(mem_free) char *rest = mem_text(found + strlen(part));
    text_clear(&session->seen);
    text_append(&session->seen, rest);
}

void
program_type(const struct program_session *session, const char *keys)
{
    assert_int_equal(write(session->terminal, keys, strlen(keys)), strlen(keys));
}

int
program_close(struct program_session *session)
{
    int status;

    while (take(session, 20000)) {
    }
    assert_int_equal(waitpid(session->pid, &status, 0), session->pid);
    close(session->terminal);
    text_release(&session->seen);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- what must be -------------------------------------------------------------------------- */

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
