#include "tests/sim/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_AGAIN_US (1 * SECOND)
#define TRIES_MAX 20

/* ---- asking -------------------------------------------------------------------------------- */

static void
say_again(void *subject, uint64_t ticket)
{
    struct sim_operator *operator= subject;

    if (ticket != operator->ticket || !operator->waits) {
        return;
    }
    if (operator->tries++ >= operator->tries_max) {
        operator->waits = false;
        operator->answer = MESSAGE_NONE;
        return;
    }
    network_say(&operator->peer, &operator->message);
    world_plan(operator->world, ASK_AGAIN_US, say_again, operator, ticket);
}

/* The request is filled in; every request has its id in the same place. */
static void
ask(struct sim_operator *operator, const struct message * message)
{
    operator->message = * message;
    operator->message.status.request = id_draw(&operator->world->random);
    operator->waits = true;
    operator->tries = 0;
    world_trace(operator->world, operator->name, "asks: %s", message_name(message->type));
    say_again(operator, ++ operator->ticket);
}

void
sim_operator_apply(struct sim_operator *operator, const struct run_spec * spec)
{
    operator->wants_apply = true;
    ask(operator, &(struct message){.type = MESSAGE_PLAN, .plan = {.spec = *spec}});
}

void
sim_operator_steer(struct sim_operator *operator, uint64_t number, enum steer_verb verb)
{
    snprintf(operator->run, sizeof operator->run, "%llu", (unsigned long long)number);
    ask(operator, &(struct message){.type = MESSAGE_STEER,
                                    .steer = {.run = operator->run, .verb = verb}});
}

void
sim_operator_enrol(struct sim_operator *operator, enum party party, const char *name,
                   const struct key *key)
{
    snprintf(operator->party_name, sizeof operator->party_name, "%s", name);
    ask(operator, &(struct message){
            .type = MESSAGE_ENROL,
            .enrol = {.party = party, .name = operator->party_name, .key = *key}});
}

void
sim_operator_expel(struct sim_operator *operator, enum party party, const char *name)
{
    snprintf(operator->party_name, sizeof operator->party_name, "%s", name);
    ask(operator, &(struct message){.type = MESSAGE_EXPEL,
                                    .expel = {.party = party, .name = operator->party_name}});
}

/* ---- answers ------------------------------------------------------------------------------- */

static void
planned(struct sim_operator *operator, const struct planned * planned)
{
    if (!planned->is_ready) {
        return; /* he asks again in a second */
    }
    operator->waits = false;
    if (operator->wants_apply && planned->step_count> 0) {
        operator->wants_apply = false;
        ask(operator, &(struct message){.type = MESSAGE_APPLY,
                                        .apply = {.plan_id = planned->plan_id}});
    }
}

static void
check_role(struct sim_operator *operator)
{
    enum message_type asked = operator->message.type;
    bool is_allowed = operator->role == ROLE_ADMIN ||(operator->role == ROLE_OPERATOR && asked !=
                                                      MESSAGE_ENROL && asked != MESSAGE_EXPEL);

    if (!is_allowed && (asked == MESSAGE_APPLY || asked == MESSAGE_STEER ||
                        asked == MESSAGE_ENROL || asked == MESSAGE_EXPEL)) {
        world_violated(operator->world, "I9", "%s may not %s and was not refused", operator->name,
                       message_name(asked));
    }
}

static void
receive(void *subject, const struct message *message)
{
    struct sim_operator *operator= subject;
    const struct id *request = &message->refused.request; /* the first field of every answer */

    if (message->type == MESSAGE_REJECT ||
        !operator->waits || !id_equal(request, &operator->message.status.request)) {
        return;
    }
    operator->answer = message->type;
    operator->answered_count++;
    operator->code[0] = '\0';
    if (message->type == MESSAGE_PLANNED) {
        planned(operator, & message->planned);
        return;
    }
    operator->waits = false;
    if (message->type == MESSAGE_REFUSED) {
        const struct fault *fault = &message->refused.fault;
        snprintf(operator->code, sizeof operator->code, "%s", fault->code ? fault->code : "");
        world_trace(operator->world, operator->name, "is refused: %s: %s", operator->code,
                    fault->text ? fault->text : "");
        return;
    }
    if (message->type == MESSAGE_STARTED) {
        operator->run_number = message->started.number;
    }
    check_role(operator);
}

static void
ignore_link(void *subject)
{
    (void)subject;
}

void
sim_operator_init(struct sim_operator *operator, struct world * world,
                  const struct library *library, const struct disk *disk, struct network *network,
                  const char *name, enum role role, const struct key *key)
{
    *operator=(struct sim_operator){
        .world = world, .library = library, .disk = disk, .role = role, .tries_max = TRIES_MAX};
    snprintf(operator->name, sizeof operator->name, "%s", name);
    operator->peer =(struct peer){.key = *key,
                                  .side = FROM_OPERATOR,
                                  .name = operator->name,
                                  .subject = operator,
                                  .link_up = ignore_link,
                                  .link_down = ignore_link,
                                  .receive = receive};
    network_add(network, &operator->peer);
    network_open(&operator->peer, 0);
}

/* ---- what comes to mind -------------------------------------------------------------------- */

struct run_spec
sim_operator_spec(struct sim_operator *operator)
{
    struct run_spec spec = {.kind = RUN_UP, .parallel = 100, .on_failure = ON_FAILURE_HALT};

    for (size_t i = 0; i < operator->library->service_count; i++) {
        const struct service *service = &operator->library->services[i];
        operator->services[i] =(struct service_bundle){
            service->name, service->editions[service->edition_count - 1].digest};
    }
    operator->waves[0] =(struct share){100, true};
    spec.services = operator->services;
    spec.service_count = operator->library->service_count;
    spec.waves = operator->waves;
    spec.wave_count = 1;
    return spec;
}

static uint64_t
draw(struct sim_operator *operator, uint64_t bound)
{
    return random_below(&operator->world->random, bound);
}

/* One of all runs, rather a late one; null when there is none. */
static const struct run_record *
some_run(struct sim_operator *operator)
{
    const struct record_list *runs = &operator->disk->runs;

    if (!runs->count) {
        return NULL;
    }
    size_t back = draw(operator, 2) ? 0 : draw(operator, runs->count);
    return &runs->items[runs->count - 1 - back]->run;
}

static void
draw_waves(struct sim_operator *operator, struct run_spec * spec)
{
    if (draw(operator, 2)) {
        operator->waves[0] =(struct share){1 + draw(operator, 2), false};
        operator->waves[1] =(struct share){30 + draw(operator, 40), true};
        operator->waves[2] =(struct share){100, true};
        spec->wave_count = 3;
    }
    spec->parallel = 1 + draw(operator, 4);
    spec->budget = draw(operator, 3) ? (struct share){draw(operator, 3), false}
                                     : (struct share){draw(operator, 60), true};
    spec->on_failure = (enum on_failure)draw(operator, ON_FAILURE_COUNT);
}

static struct run_spec
spec_drawn(struct sim_operator *operator)
{
    static const char *const selections[] = {"env=prod", "region=eu", "env!=prod", "region=us"};
    static const char *const versions[] = {"001", "002", "003", "004", "0"};
    struct run_spec spec = sim_operator_spec(operator);

    for (size_t i = 0; i < spec.service_count; i++) {
        const struct service *service = &operator->library->services[i];
        operator->services[i]
            .digest = service->editions[draw(operator, service->edition_count)]
            .digest;
    }
    spec.service_count = 1 + draw(operator, spec.service_count);
    spec.select = draw(operator, 3) ? NULL : selections[draw(operator, 4)];
    spec.skip_refused = draw(operator, 2);
    spec.out_of_order = draw(operator, 4) == 0;
    if (draw(operator, 6) == 0) {
        spec.to_version = versions[draw(operator, 4)];
    }
    draw_waves(operator, & spec);
    const struct run_record *undone = some_run(operator);
    if (undone && draw(operator, 3) == 0) {
        spec.kind = RUN_DOWN;
        spec.undo_run_id = undone->run_id;
        spec.service_count = 0;
        spec.select = spec.to_version = NULL;
    } else if (draw(operator, 8) == 0) {
        spec.kind = RUN_DOWN;
        spec.to_version = versions[draw(operator, 5)];
    }
    return spec;
}

static void
look_around(struct sim_operator *operator)
{
    static const enum message_type views[] = {MESSAGE_STATUS,  MESSAGE_RUNS,   MESSAGE_LOG,
                                              MESSAGE_TARGETS, MESSAGE_AGENTS, MESSAGE_OPERATORS};
    const struct run_record *run = some_run(operator);
    struct message message = {.type = views[draw(operator, 6)]};

    snprintf(operator->run, sizeof operator->run, "%llu",
             run ? (unsigned long long)run->number : 1ull);
    if (message.type == MESSAGE_STATUS) {
        message.status.run = draw(operator, 2) ? operator->run : NULL;
        message.status.filter = (enum leg_filter)draw(operator, LEG_FILTER_COUNT);
    } else if (message.type == MESSAGE_LOG) {
        message.log.run = operator->run;
    }
    ask(operator, & message);
}

void
sim_operator_think(struct sim_operator *operator)
{
    const struct run_record *run = some_run(operator);
    uint64_t mood = draw(operator, 100);

    operator->wants_apply = false;
    if (!run || mood < 50) {
        struct run_spec spec = spec_drawn(operator);
        sim_operator_apply(operator, & spec);
    } else if (mood < 85) {
        sim_operator_steer(operator, run->number, (enum steer_verb)draw(operator, STEER_COUNT));
    } else {
        look_around(operator);
    }
}

bool
sim_operator_tidy_up(struct sim_operator *operator)
{
    const struct record_list *runs = &operator->disk->runs;

    for (size_t i = 0; i < runs->count; i++) {
        const struct run_record *run = &runs->items[i]->run;
        if (run->state == RUN_PAUSED) {
            sim_operator_steer(operator, run->number,
                               draw(operator, 4) ? STEER_RESUME : STEER_CANCEL);
            return true;
        }
        if (run->state == RUN_HALTED) {
            sim_operator_steer(operator, run->number,
                               draw(operator, 3) ? STEER_CANCEL : STEER_RETRY);
            return true;
        }
    }
    return false;
}
