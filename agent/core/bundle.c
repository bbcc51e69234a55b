#include "agent/core/state.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define FETCH_ANSWER_MS 2000 /* a FETCH without CHUNK is said again */
#define UNUSED_MS 10000      /* a bundle that nobody needs stays ready for so long */

static struct agent_bundle *
find(struct agent_core *core, const struct digest *digest)
{
    struct agent_bundle *bundle;

    HASH_FIND(hh, core->bundles, digest, sizeof *digest, bundle);
    return bundle;
}

static const char *
short_digest(const struct digest *digest, char out[SHORT_ID_SIZE])
{
    text_hex(digest->bytes, 4, out);
    return out;
}

static void
act(struct agent_core *core, enum agent_action_kind kind, const struct digest *digest)
{
    struct agent_action action = {.kind = kind, .digest = *digest};

    agent_actions_add(core->actions, &action);
}

struct agent_bundle *
agent_bundle_take(struct agent_core *core, const struct digest *digest)
{
    char name[SHORT_ID_SIZE];
    struct agent_bundle *bundle = find(core, digest);

    if (!bundle) {
        bundle = mem_zalloc(sizeof *bundle);
        bundle->digest = *digest;
        bundle->state = AGENT_BUNDLE_LOOKING;
        bundle->due_ms = NEVER_MS;
        HASH_ADD(hh, core->bundles, digest, sizeof bundle->digest, bundle);
        trace_line(&core->trace, "bundle %s: looked up", short_digest(digest, name));
        act(core, AGENT_LOOK_UP, digest);
    }
    bundle->uses++;
    bundle->due_ms = bundle->state == AGENT_BUNDLE_THERE ? NEVER_MS : bundle->due_ms;
    return bundle;
}

/* Say FETCH for the next piece, and expect a CHUNK. */
static void
fetch(struct agent_core *core, struct agent_bundle *bundle)
{
    struct message message = {
        .type = MESSAGE_FETCH,
        .fetch = {.session = core->session.id, .digest = bundle->digest, .offset = bundle->offset}};

    bundle->state = AGENT_BUNDLE_FETCHING;
    bundle->due_ms = core->now_ms + FETCH_ANSWER_MS;
    agent_tell(core, &message);
}

/* One bundle is fetched at a time, so that a REJECT is known to mean that one. */
static void
fetch_next(struct agent_core *core)
{
    struct agent_bundle *bundle = core->wanted;

    if (!core->fetching && bundle && agent_session_is_live(core)) {
        DL_DELETE(core->wanted, bundle);
        core->fetching = bundle;
        fetch(core, bundle);
    }
}

static void
forget(struct agent_core *core, struct agent_bundle *bundle)
{
    char name[SHORT_ID_SIZE];

    trace_line(&core->trace, "bundle %s: let go", short_digest(&bundle->digest, name));
    if (bundle->state == AGENT_BUNDLE_WANTED) {
        DL_DELETE(core->wanted, bundle);
    }
    if (core->fetching == bundle) {
        core->fetching = NULL;
    }
    HASH_DEL(core->bundles, bundle);
    free(bundle);
}

void
agent_bundle_drop(struct agent_core *core, struct agent_bundle **bundle_p)
{
    struct agent_bundle *bundle = *bundle_p;

    *bundle_p = NULL;
    if (!bundle || --bundle->uses > 0) {
        return;
    }
    if (bundle->state == AGENT_BUNDLE_THERE) {
        bundle->due_ms = core->now_ms + UNUSED_MS;
        return;
    }
    /* What was fetched so far stays in the cache, for whoever wants it next. */
    forget(core, bundle);
    fetch_next(core);
}

static void
arrive(struct agent_core *core, struct agent_bundle *bundle)
{
    char name[SHORT_ID_SIZE];

    trace_line(&core->trace, "bundle %s: there", short_digest(&bundle->digest, name));
    if (core->fetching == bundle) {
        core->fetching = NULL;
    } else if (bundle->state == AGENT_BUNDLE_WANTED) {
        DL_DELETE(core->wanted, bundle);
    }
    bundle->state = AGENT_BUNDLE_THERE;
    bundle->due_ms = NEVER_MS;
    for (size_t i = 0; i < core->target_count; i++) {
        if (core->targets[i].queue || core->targets[i].adoptions) {
            agent_target_advance(core, &core->targets[i]);
        }
    }
    fetch_next(core);
}

static void
fail(struct agent_core *core, struct agent_bundle *bundle, const struct fault *fault)
{
    struct fault unknown = {.code = "E-BUNDLE-UNKNOWN", .text = "the bundle cannot be had"};

    fault = fault ? fault : &unknown;
    agent_note(core, true, "a bundle cannot be had: %s: %s", fault->code,
               fault->text ? fault->text : "");
    /* The last step that lets go of it forgets it. */
    bundle->uses++;
    agent_queue_refuse(core, bundle, fault);
    agent_adopt_refuse(core, bundle, fault);
    agent_bundle_drop(core, &bundle);
}

void
agent_bundle_event(struct agent_core *core, const struct agent_event *event)
{
    struct agent_bundle *bundle = find(core, &event->digest);

    if (!bundle) {
        if (event->bundle == BUNDLE_THERE) {
            act(core, AGENT_RELEASE, &event->digest);
        }
        return;
    }
    if (event->bundle == BUNDLE_THERE) {
        if (bundle->state != AGENT_BUNDLE_THERE) {
            arrive(core, bundle);
        }
    } else if (event->bundle == BUNDLE_BAD) {
        if (bundle->state != AGENT_BUNDLE_THERE) {
            fail(core, bundle, event->fault);
        }
    } else if (bundle->state == AGENT_BUNDLE_LOOKING) {
        bundle->state = AGENT_BUNDLE_WANTED;
        bundle->due_ms = NEVER_MS;
        bundle->offset = event->offset;
        DL_APPEND(core->wanted, bundle);
        fetch_next(core);
    } else if (bundle->state == AGENT_BUNDLE_KEEPING) {
        bundle->offset = event->offset;
        fetch(core, bundle);
    }
}

void
agent_bundle_chunk(struct agent_core *core, const struct chunk *chunk)
{
    struct agent_bundle *bundle = core->fetching;
    struct agent_action action = {.kind = AGENT_KEEP_CHUNK};

    if (!bundle || bundle->state != AGENT_BUNDLE_FETCHING ||
        memcmp(&bundle->digest, &chunk->digest, sizeof chunk->digest) != 0 ||
        chunk->offset != bundle->offset || chunk->total > BUNDLE_SIZE_MAX ||
        chunk->bytes.size == 0 || chunk->bytes.size > chunk->total ||
        chunk->offset > chunk->total - chunk->bytes.size) {
        trace_line(&core->trace, "bundle: CHUNK ignored: it is not the piece that was asked for");
        return;
    }
    bundle->state = AGENT_BUNDLE_KEEPING;
    bundle->due_ms = NEVER_MS;
    struct chunk piece = *chunk;
    action.chunk = &piece;
    agent_actions_add(core->actions, &action);
}

void
agent_bundle_unknown(struct agent_core *core, const struct fault *fault)
{
    if (core->fetching) {
        fail(core, core->fetching, fault);
    }
}

void
agent_bundle_tick(struct agent_core *core)
{
    struct agent_bundle *bundle, *next;

    HASH_ITER(hh, core->bundles, bundle, next)
    {
        if (core->now_ms < bundle->due_ms) {
            continue;
        }
        if (bundle->state == AGENT_BUNDLE_THERE) {
            act(core, AGENT_RELEASE, &bundle->digest);
            forget(core, bundle);
        } else if (bundle->state == AGENT_BUNDLE_FETCHING) {
            fetch(core, bundle);
        }
    }
}

int64_t
agent_bundle_wake_ms(const struct agent_core *core)
{
    int64_t wake_ms = NEVER_MS;

    for (const struct agent_bundle *bundle = core->bundles; bundle; bundle = bundle->hh.next) {
        wake_ms = bundle->due_ms < wake_ms ? bundle->due_ms : wake_ms;
    }
    return wake_ms;
}
