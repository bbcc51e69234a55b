#include "agent/core/action.h"

#include <stdlib.h>

#include "common/base/mem.h"

static struct agent_action *
append(struct agent_actions *actions)
{
    actions->items =
        mem_grow(actions->items, actions->count, &actions->capacity, sizeof *actions->items);
    struct agent_action *action = &actions->items[actions->count++];
    *action = (struct agent_action){0};
    return action;
}

void
agent_actions_tell(struct agent_actions *actions, const struct message *message)
{
    struct agent_action *action = append(actions);

    action->kind = AGENT_TELL;
    action->message = arena_alloc(&actions->arena, sizeof *action->message);
    message_copy(message, &actions->arena, action->message);
}

void
agent_actions_add(struct agent_actions *actions, const struct agent_action *action)
{
    struct agent_action *copy = append(actions);
    struct arena *arena = &actions->arena;

    *copy = *action;
    if (action->kind == AGENT_TELL) {
        copy->message = arena_alloc(arena, sizeof *copy->message);
        message_copy(action->message, arena, copy->message);
    } else if (action->kind == AGENT_EXECUTE) {
        copy->assign = arena_copy(arena, action->assign, sizeof *action->assign);
        copy->assign->version = arena_text(arena, action->assign->version);
    } else if (action->kind == AGENT_ADOPT) {
        copy->adopt = arena_copy(arena, action->adopt, sizeof *action->adopt);
    } else if (action->kind == AGENT_SURVEY) {
        struct message question = {.type = MESSAGE_SURVEY, .survey = *action->survey};
        message_copy(&question, arena, &question);
        copy->survey = arena_copy(arena, &question.survey, sizeof question.survey);
    } else if (action->kind == AGENT_KEEP_CHUNK) {
        copy->chunk = arena_copy(arena, action->chunk, sizeof *action->chunk);
        copy->chunk->bytes.data =
            arena_copy(arena, action->chunk->bytes.data, action->chunk->bytes.size);
    } else if (action->kind == AGENT_NOTE) {
        copy->note = arena_text(arena, action->note);
    }
}

void
agent_actions_clear(struct agent_actions *actions)
{
    actions->count = 0;
    arena_clear(&actions->arena);
}

void
agent_actions_release(struct agent_actions *actions)
{
    free(actions->items);
    arena_release(&actions->arena);
    *actions = (struct agent_actions){0};
}
