#include "coordinator/core/action.h"

#include <stdlib.h>

#include "common/base/mem.h"

static struct action *
next_action(struct actions *actions)
{
    actions->items =
        mem_grow(actions->items, actions->count, &actions->capacity, sizeof *actions->items);
    struct action *action = &actions->items[actions->count++];
    *action = (struct action){0};
    return action;
}

void
actions_save(struct actions *actions, const struct record *record)
{
    struct action *action = next_action(actions);

    action->kind = ACTION_SAVE;
    action->record = arena_alloc(&actions->arena, sizeof *action->record);
    record_copy(record, &actions->arena, action->record);
}

static void
add_message(struct actions *actions, enum action_kind kind, struct route route,
            const struct message *message)
{
    struct action *action = next_action(actions);

    action->kind = kind;
    action->route = route;
    action->message = arena_alloc(&actions->arena, sizeof *action->message);
    message_copy(message, &actions->arena, action->message);
}

void
actions_tell_agent(struct actions *actions, struct route route, const struct message *message)
{
    add_message(actions, ACTION_TELL_AGENT, route, message);
}

void
actions_tell_operator(struct actions *actions, struct route route, const struct message *message)
{
    add_message(actions, ACTION_TELL_OPERATOR, route, message);
}

void
actions_recall(struct actions *actions, struct route route, const struct message *message)
{
    add_message(actions, ACTION_RECALL, route, message);
}

void
actions_add(struct actions *actions, const struct action *action)
{
    switch (action->kind) {
    case ACTION_SAVE:
        actions_save(actions, action->record);
        break;
    case ACTION_TELL_AGENT:
    case ACTION_TELL_OPERATOR:
    case ACTION_RECALL:
        add_message(actions, action->kind, action->route, action->message);
        break;
    default:
        *next_action(actions) = *action;
        break;
    }
}

void
actions_clear(struct actions *actions)
{
    actions->count = 0;
    arena_clear(&actions->arena);
}

void
actions_release(struct actions *actions)
{
    free(actions->items);
    arena_release(&actions->arena);
    *actions = (struct actions){0};
}
