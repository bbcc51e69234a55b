/* status: how a run is going. */
#include "common/base/mem.h"
#include "coordinator/cli/ask.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/exit.h"
#include "coordinator/cli/run_show.h"
#include "coordinator/cli/show.h"
#include "coordinator/cli/watch.h"

#define ROWS_SHOWN 20

static bool
ask_legs(struct client *client, const char *run, enum leg_filter filter, size_t rows_max,
         struct arena *arena, struct run_view *view, struct error *error)
{
    struct message answer;
    struct message request = {.type = MESSAGE_STATUS, .status = {.run = run, .filter = filter}};

    if (!pages_ask(client, &request, rows_max, arena, &answer, error)) {
        return false;
    }
    *view = answer.run_view;
    return true;
}

static bool
print_all(const struct call *call, struct client *client, const char *run, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text out = {0};
    struct run_view view;

    if (!ask_legs(client, run, LEGS_ALL, PAGES_ALL, &arena, &view, error)) {
        return false;
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal, run_json(&view, view.legs, view.leg_count));
        return true;
    }
    struct run_picture picture = {.run = &view};
    run_render(&picture, &call->terminal, &out);
    run_render_legs(view.legs, view.leg_count, &call->terminal, &out);
    for (size_t i = 0; i < view.leg_count; i++) {
        if (view.legs[i].state == LEG_FAILED) {
            text_append(&out, "\n");
            run_render_failure(&view.legs[i], &call->terminal, &out);
        }
    }
    fputs(text_of(&out), call->terminal.out);
    return true;
}

static bool
print_picture(const struct call *call, struct client *client, const char *run, struct error *error)
{
    CLEANUP(arena_release) struct arena arena = {0};
    CLEANUP(text_release) struct text out = {0};
    struct run_view failing, open = {0};

    if (!ask_legs(client, run, LEGS_FAILING, ROWS_SHOWN, &arena, &failing, error) ||
        (!run_view_has_ended(&failing) &&
         !ask_legs(client, run, LEGS_OPEN, ROWS_SHOWN, &arena, &open, error))) {
        return false;
    }
    struct run_picture picture = {
        .run = &failing,
        .failing = failing.legs,
        .failing_count = failing.leg_count,
        .failing_total = failing.leg_total,
        .open = open.legs,
        .open_count = open.leg_count,
        .running_max = ROWS_SHOWN,
        .failing_max = ROWS_SHOWN,
    };
    run_render(&picture, &call->terminal, &out);
    fputs(text_of(&out), call->terminal.out);
    return true;
}

bool
command_status(struct call *call, struct error *error)
{
    CLEANUP(client_destroy) struct client *client = ask_open(call, error);
    const char *run = call_argument(call, 0);

    if (!client) {
        return false;
    }
    if (call_flag(call, "watch")) {
        return watch_and_tell(call, client, run ? run : "last", EXIT_DONE, error);
    }
    if (call_flag(call, "all") || call_wants_json(call)) {
        return print_all(call, client, run, error);
    }
    return print_picture(call, client, run, error);
}
