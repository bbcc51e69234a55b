#include "coordinator/cli/watch.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/milestone.h"
#include "coordinator/cli/run_show.h"
#include "coordinator/cli/show.h"
#include "coordinator/cli/signals.h"

#define POLL_LEAST_MS 20
#define POLL_MOST_MS 250
#define SILENT_MS 1500 /* without an answer, the picture says so */
#define DRAW_MS 80     /* between two drawings */
#define FAILING_SHOWN 20

/* What was seen last, and what is on the terminal. */
struct watcher {
    const struct call *call;
    struct terminal terminal;
    struct client *client;
    const char *run;
    struct arena arena; /* the last complete look */
    struct run_picture picture;
    struct run_view view;
    bool was_seen;
    int64_t seen_ms, drawn_ms;
    size_t lines; /* of ours, on the terminal */
    struct milestones milestones;
};

/* ---- looking ------------------------------------------------------------------------------- */

static bool
ask_status(struct watcher *watcher, enum leg_filter filter, struct arena *arena,
           struct run_view *view, struct error *error)
{
    struct message answer;
    struct message request = {.type = MESSAGE_STATUS,
                              .status = {.run = watcher->run, .filter = filter}};

    if (!ask_for(watcher->client, &request, MESSAGE_RUN_VIEW, arena, &answer, error)) {
        return false;
    }
    *view = answer.run_view;
    return true;
}

/* Look once: the run, its failing targets, and those that are open. */
static bool
look(struct watcher *watcher, struct error *error)
{
    struct arena arena = {0};
    struct run_view failing, open = {0};
    bool wants_open = watcher->terminal.is_terminal;

    if (!ask_status(watcher, LEGS_FAILING, &arena, &failing, error) ||
        (wants_open && !run_view_has_ended(&failing) &&
         !ask_status(watcher, LEGS_OPEN, &arena, &open, error))) {
        arena_release(&arena);
        return false;
    }
    arena_release(&watcher->arena);
    watcher->arena = arena;
    watcher->view = failing;
    watcher->picture = (struct run_picture){
        .run = &watcher->view,
        .failing = failing.legs,
        .failing_count = failing.leg_count,
        .failing_total = failing.leg_total,
        .open = open.legs,
        .open_count = open.leg_count,
    };
    if (!watcher->was_seen) {
        client_set_timeout(watcher->client, SILENT_MS);
    }
    watcher->was_seen = true;
    watcher->seen_ms = clock_now_ms();
    return true;
}

/* ---- drawing ------------------------------------------------------------------------------- */

static size_t
count_lines(const struct text *text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text->size; i++) {
        lines += text->data[i] == '\n';
    }
    return lines;
}

/* Share the terminal's height out between what runs and what has failed. */
static void
share_height(struct watcher *watcher)
{
    size_t height = watcher->terminal.height, fixed = watcher->view.wave_count + 10;
    size_t free_lines = height > fixed + 4 ? height - fixed : 4;
    size_t failing_lines = 2 * watcher->picture.failing_count;

    if (failing_lines > free_lines / 2) {
        failing_lines = free_lines / 2;
    }
    watcher->picture.failing_max = (failing_lines + 1) / 2;
    watcher->picture.running_max = free_lines - failing_lines;
}

/* After the window was resized, what is on it is wrapped anyhow: begin below it. */
static void
follow_size(struct watcher *watcher)
{
    if (signals_resized()) {
        terminal_measure(&watcher->terminal);
        watcher->lines = 0;
    }
}

/* Go back to where the picture begins, draw it line by line over itself, clear what is below. */
static void
draw(struct watcher *watcher, bool is_last)
{
    FILE *out = watcher->terminal.out;
    CLEANUP(text_release) struct text picture = {0};
    CLEANUP(text_release) struct text frame = {0};

    follow_size(watcher);
    share_height(watcher);
    if (is_last) {
        watcher->picture.failing_max = FAILING_SHOWN; /* it stays, and may scroll */
    }
    run_render(&watcher->picture, &watcher->terminal, &picture);
    if (watcher->lines > 0) {
        text_format(&frame, "\033[%zuF", watcher->lines);
    }
    for (const char *line = text_of(&picture); *line;) {
        size_t size = strcspn(line, "\n");
        text_append_bytes(&frame, line, size);
        text_append(&frame, "\033[K\n");
        line += size + (line[size] == '\n');
    }
    text_append(&frame, "\033[J");
    fwrite(text_of(&frame), 1, frame.size, out);
    fflush(out);
    watcher->lines = count_lines(&picture);
    watcher->drawn_ms = clock_now_ms();
}

static void
show_cursor(const struct terminal *terminal, bool is_shown)
{
    if (terminal->is_terminal) {
        fputs(is_shown ? "\033[?25h" : "\033[?25l", terminal->out);
        fflush(terminal->out);
    }
}

static void
present(struct watcher *watcher, bool is_last)
{
    if (!watcher->was_seen || call_wants_json(watcher->call)) {
        return;
    }
    if (!watcher->terminal.is_terminal) {
        milestones_tell(&watcher->milestones, &watcher->picture, &watcher->terminal);
    } else if (is_last || clock_now_ms() - watcher->drawn_ms >= DRAW_MS) {
        draw(watcher, is_last);
    }
}

/* ---- the loop ------------------------------------------------------------------------------ */

/*
 * A twentieth of what it has taken so far: quick for the quick ones, calm for the long ones. And
 * half of what is left, so that its end is seen when it comes.
 */
static int64_t
poll_ms(const struct watcher *watcher)
{
    const struct run_view *view = &watcher->view;
    int64_t wait_ms = (int64_t)view->elapsed_ms / 20, half_ms = (int64_t)view->left_ms / 2;

    wait_ms = half_ms && half_ms < wait_ms ? half_ms : wait_ms;
    return wait_ms < POLL_LEAST_MS  ? POLL_LEAST_MS
           : wait_ms > POLL_MOST_MS ? POLL_MOST_MS
                                    : wait_ms;
}

/* Whether an error of looking is waited out: the coordinator is away, and had been there. */
static bool
is_waited_out(const struct watcher *watcher, const struct error *error)
{
    return watcher->was_seen &&
           (error_is(error, "E-NET-UNREACHABLE") || error_is(error, "E-KEY-SERVER-MISMATCH"));
}

static enum watch_end
follow(struct watcher *watcher, struct error *error)
{
    for (;;) {
        bool is_seen = look(watcher, error);
        if (signals_stopped()) {
            return WATCH_INTERRUPTED;
        }
        if (!is_seen && !is_waited_out(watcher, error)) {
            return WATCH_FAILED;
        }
        if (is_seen && run_view_has_ended(&watcher->view)) {
            return WATCH_ENDED;
        }
        watcher->picture.silent_ms = is_seen ? 0 : (uint64_t)(clock_now_ms() - watcher->seen_ms);
        present(watcher, false);
        poll(NULL, 0, (int)poll_ms(watcher));
    }
}

enum watch_end
watch_run(const struct call *call, struct client *client, const char *run, struct arena *arena,
          struct run_view *view, struct error *error)
{
    struct watcher watcher = {
        .call = call, .terminal = call->terminal, .client = client, .run = run};

    show_cursor(&call->terminal, false);
    enum watch_end end = follow(&watcher, error);
    present(&watcher, true);
    show_cursor(&call->terminal, true);
    if (watcher.was_seen) {
        struct message message = {.type = MESSAGE_RUN_VIEW, .run_view = watcher.view}, copy;
        message_copy(&message, arena, &copy);
        *view = copy.run_view;
    }
    arena_release(&watcher.arena);
    return end;
}

static void
tell_interrupted(const char *run)
{
    fprintf(stderr,
            "\nthe run goes on.\n"
            "  watch it again:  skein status %s --watch\n"
            "  pause it:        skein pause %s\n"
            "  end it:          skein cancel %s\n",
            run, run, run);
}

bool
watch_and_tell(struct call *call, struct client *client, const char *run, int interrupted_status,
               struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text out = {0};
    struct run_view view = {0};

    switch (watch_run(call, client, run, &arena, &view, error)) {
    case WATCH_FAILED:
        return false;
    case WATCH_INTERRUPTED:
        tell_interrupted(run);
        call->exit_status = interrupted_status;
        return true;
    case WATCH_ENDED:
        break;
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal, run_json(&view, view.legs, view.leg_count));
    } else {
        text_append(&out, call->terminal.is_terminal ? "\n" : "");
        run_render_end(&view, &call->terminal, &out);
        fputs(text_of(&out), call->terminal.out);
    }
    call->exit_status = view.state == RUN_DONE ? EXIT_DONE : EXIT_FAILED;
    return true;
}
