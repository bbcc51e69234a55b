#include "coordinator/cli/ask.h"

#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "coordinator/cli/show.h"
#include "coordinator/cli/signals.h"

struct client *
ask_open(const struct call *call, struct error *error)
{
    CLEANUP(context_release) struct context context = {0};

    if (!context_load(call_text(call, "context"), &context, error)) {
        return NULL;
    }
    struct client *client = client_new(&context, call_number(call, "timeout"), error);
    if (client) {
        signals_catch();
        client_stop_when(client, signals_stopped);
    }
    return client;
}

bool
ask_for(struct client *client, struct message *request, enum message_type expected,
        struct arena *arena, struct message *answer, struct error *error)
{
    if (!client_ask(client, request, arena, answer, error)) {
        return false;
    }
    if (answer->type != expected) {
        return error_set(error, "E-PROTO-STATE", "the coordinator answered %s with %s",
                         message_name(request->type), message_name(answer->type));
    }
    return true;
}

bool
ask_done(struct call *call, struct message *request, struct error *error)
{
    CLEANUP(client_destroy) struct client *client = ask_open(call, error);
    CLEANUP(arena_release) struct arena arena = {0};
    struct message answer;

    if (!client || !ask_for(client, request, MESSAGE_DONE, &arena, &answer, error)) {
        return false;
    }
    if (call_wants_json(call)) {
        show_json(&call->terminal, json_pack("{s:o}", "done", show_json_text(answer.done.text)));
    } else {
        show_line(&call->terminal, "%s", answer.done.text ? answer.done.text : "done");
    }
    return true;
}

bool
ask_confirm(const struct call *call, const char *question, struct error *error)
{
    char line[16] = "";

    if (call_flag(call, "yes")) {
        return true;
    }
    if (isatty(STDIN_FILENO) != 1 || call_wants_json(call)) {
        error_set(error, "E-CLI-CONFIRM", "this needs a yes, and nobody sits at standard input");
        error_found(error, "nothing was done");
        return error_hint(error, "add --yes");
    }
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    if (fgets(line, sizeof line, stdin) &&
        (strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0)) {
        return true;
    }
    if (!line[0]) {
        fputc('\n', stderr);
    }
    error_set(error, "E-CLI-DECLINED", "not confirmed");
    return error_found(error, "nothing was done");
}
