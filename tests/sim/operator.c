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
    struct sim_operator *person = subject;

    if (ticket != person->ticket || !person->waits) {
        return;
    }
    if (person->tries++ >= person->tries_max) {
        person->waits = false;
        person->answer = MESSAGE_NONE;
        return;
    }
    network_say(&person->peer, &person->message);
    world_plan(person->world, ASK_AGAIN_US, say_again, person, ticket);
}

/* The request is filled in; every request has its id in the same place. */
static void
ask(struct sim_operator *person, const struct message *message)
{
    person->message = *message;
    person->message.status.request = id_draw(&person->world->random);
    person->waits = true;
    person->tries = 0;
    world_trace(person->world, person->name, "asks: %s", message_name(message->type));
    say_again(person, ++person->ticket);
}

void
sim_operator_plan(struct sim_operator *person, const struct run_spec *spec)
{
    person->wants_apply = false;
    ask(person, &(struct message){.type = MESSAGE_PLAN, .plan = {.spec = *spec}});
}

void
sim_operator_apply(struct sim_operator *person, const struct run_spec *spec)
{
    sim_operator_plan(person, spec);
    person->wants_apply = true;
}

void
sim_operator_steer(struct sim_operator *person, uint64_t number, enum steer_verb verb)
{
    snprintf(person->run, sizeof person->run, "%llu", (unsigned long long)number);
    ask(person,
        &(struct message){.type = MESSAGE_STEER, .steer = {.run = person->run, .verb = verb}});
}

void
sim_operator_enrol(struct sim_operator *person, enum party party, const char *name,
                   const struct key *key)
{
    snprintf(person->party_name, sizeof person->party_name, "%s", name);
    ask(person,
        &(struct message){.type = MESSAGE_ENROL,
                          .enrol = {.party = party, .name = person->party_name, .key = *key}});
}

void
sim_operator_expel(struct sim_operator *person, enum party party, const char *name)
{
    snprintf(person->party_name, sizeof person->party_name, "%s", name);
    ask(person, &(struct message){.type = MESSAGE_EXPEL,
                                  .expel = {.party = party, .name = person->party_name}});
}

/* All databases of the first service that another tool has migrated. */
void
sim_operator_adopt(struct sim_operator *person)
{
    const struct service *service = &person->repository->services[0];

    ask(person, &(struct message){
                    .type = MESSAGE_ADOPTION,
                    .adoption = {.service = service->name,
                                 .digest = service->editions[service->edition_count - 1].digest}});
}

void
sim_operator_forget(struct sim_operator *person, const char *target)
{
    snprintf(person->party_name, sizeof person->party_name, "%s", target);
    ask(person,
        &(struct message){.type = MESSAGE_FORGET, .forget = {.target = person->party_name}});
}

/* ---- answers ------------------------------------------------------------------------------- */

static void
planned(struct sim_operator *person, const struct planned *planned)
{
    if (!planned->is_ready) {
        return; /* he asks again in a second */
    }
    person->waits = false;
    if (person->wants_apply && planned->step_count > 0) {
        person->wants_apply = false;
        ask(person,
            &(struct message){.type = MESSAGE_APPLY, .apply = {.plan_id = planned->plan_id}});
    }
}

static void
check_role(struct sim_operator *person)
{
    enum message_type asked = person->message.type;
    bool is_allowed =
        person->role == ROLE_ADMIN ||
        (person->role == ROLE_OPERATOR && asked != MESSAGE_ENROL && asked != MESSAGE_EXPEL);

    if (!is_allowed &&
        (asked == MESSAGE_APPLY || asked == MESSAGE_STEER || asked == MESSAGE_FORGET ||
         asked == MESSAGE_ENROL || asked == MESSAGE_EXPEL)) {
        world_violated(person->world, "I9", "%s may not %s and was not refused", person->name,
                       message_name(asked));
    }
}

static void
receive(void *subject, const struct message *message)
{
    struct sim_operator *person = subject;
    const struct id *request = &message->refused.request; /* the first field of every answer */

    if (message->type == MESSAGE_REJECT || !person->waits ||
        !id_equal(request, &person->message.status.request)) {
        return;
    }
    person->answer = message->type;
    person->answered_count++;
    person->code[0] = '\0';
    if (message->type == MESSAGE_PLANNED) {
        planned(person, &message->planned);
        return;
    }
    if (message->type == MESSAGE_ADOPTION_VIEW) {
        person->waits = !message->adoption_view.is_ready; /* he asks again in a second */
        person->refused_count = message->adoption_view.refused_count;
        return;
    }
    person->waits = false;
    if (message->type == MESSAGE_REFUSED) {
        const struct fault *fault = &message->refused.fault;
        snprintf(person->code, sizeof person->code, "%s", fault->code ? fault->code : "");
        world_trace(person->world, person->name, "is refused: %s: %s", person->code,
                    fault->text ? fault->text : "");
        return;
    }
    if (message->type == MESSAGE_STARTED) {
        person->run_number = message->started.number;
    }
    check_role(person);
}

static void
link_up(void *subject)
{
    (void)subject; /* what he asks for is said again anyway */
}

static void
link_down(void *subject)
{
    struct sim_operator *person = subject;

    network_open(&person->peer, world_between(person->world, 100 * MS, 1 * SECOND));
}

void
sim_operator_init(struct sim_operator *person, struct world *world,
                  const struct repository *repository, const struct disk *disk,
                  struct network *network, const char *name, enum role role, const struct key *key)
{
    *person = (struct sim_operator){.world = world,
                                    .repository = repository,
                                    .disk = disk,
                                    .role = role,
                                    .tries_max = TRIES_MAX};
    snprintf(person->name, sizeof person->name, "%s", name);
    person->peer = (struct peer){.key = *key,
                                 .side = FROM_OPERATOR,
                                 .name = person->name,
                                 .subject = person,
                                 .link_up = link_up,
                                 .link_down = link_down,
                                 .receive = receive};
    network_add(network, &person->peer);
    network_open(&person->peer, 0);
}

/* ---- what comes to mind -------------------------------------------------------------------- */

struct run_spec
sim_operator_spec(struct sim_operator *person)
{
    struct run_spec spec = {.kind = RUN_UP, .parallel = 100, .on_failure = ON_FAILURE_HALT};

    for (size_t i = 0; i < person->repository->service_count; i++) {
        const struct service *service = &person->repository->services[i];
        person->services[i] = (struct service_bundle){
            service->name, service->editions[service->edition_count - 1].digest};
    }
    person->waves[0] = (struct share){100, true};
    spec.services = person->services;
    spec.service_count = person->repository->service_count;
    spec.waves = person->waves;
    spec.wave_count = 1;
    return spec;
}

static uint64_t
draw(struct sim_operator *person, uint64_t bound)
{
    return random_below(&person->world->random, bound);
}

/* One of all runs, rather a late one; null when there is none. */
static const struct run_record *
some_run(struct sim_operator *person)
{
    const struct record_list *runs = &person->disk->runs;

    if (!runs->count) {
        return NULL;
    }
    size_t back = draw(person, 2) ? 0 : draw(person, runs->count);
    return &runs->items[runs->count - 1 - back]->run;
}

static void
draw_waves(struct sim_operator *person, struct run_spec *spec)
{
    if (draw(person, 2)) {
        person->waves[0] = (struct share){1 + draw(person, 2), false};
        person->waves[1] = (struct share){30 + draw(person, 40), true};
        person->waves[2] = (struct share){100, true};
        spec->wave_count = 3;
    }
    spec->parallel = 1 + draw(person, 4);
    spec->budget = draw(person, 3) ? (struct share){draw(person, 3), false}
                                   : (struct share){draw(person, 60), true};
    spec->on_failure = (enum on_failure)draw(person, ON_FAILURE_COUNT);
}

static struct run_spec
spec_drawn(struct sim_operator *person)
{
    static const char *const selections[] = {"env=prod", "region=eu", "env!=prod", "region=us"};
    static const char *const versions[] = {"001", "002", "003", "004", "0"};
    struct run_spec spec = sim_operator_spec(person);

    for (size_t i = 0; i < spec.service_count; i++) {
        const struct service *service = &person->repository->services[i];
        person->services[i].digest = service->editions[draw(person, service->edition_count)].digest;
    }
    spec.service_count = 1 + draw(person, spec.service_count);
    spec.select = draw(person, 3) ? NULL : selections[draw(person, 4)];
    spec.skip_refused = draw(person, 2);
    spec.out_of_order = draw(person, 4) == 0;
    if (draw(person, 6) == 0) {
        spec.to_version = versions[draw(person, 4)];
    }
    draw_waves(person, &spec);
    if (spec.parallel == 3) { /* closed for two minutes soon after the world's begin */
        uint64_t last = 15 * 60 + 7 + spec.service_count;
        spec.window = (struct window){.days = 127, .begin_min = last + 2, .last_min = last};
    }
    const struct run_record *undone = some_run(person);
    if (undone && draw(person, 3) == 0) {
        spec.kind = RUN_DOWN;
        spec.undo_run_id = undone->run_id;
        spec.service_count = 0;
        spec.select = spec.to_version = NULL;
    } else if (draw(person, 8) == 0) {
        spec.kind = RUN_DOWN;
        spec.to_version = versions[draw(person, 5)];
    }
    return spec;
}

static void
look_around(struct sim_operator *person)
{
    static const enum message_type views[] = {MESSAGE_STATUS,  MESSAGE_RUNS,   MESSAGE_LOG,
                                              MESSAGE_TARGETS, MESSAGE_AGENTS, MESSAGE_OPERATORS};
    const struct run_record *run = some_run(person);
    struct message message = {.type = views[draw(person, 6)]};

    snprintf(person->run, sizeof person->run, "%llu", run ? (unsigned long long)run->number : 1ull);
    if (message.type == MESSAGE_STATUS) {
        message.status.run = draw(person, 2) ? person->run : NULL;
        message.status.filter = (enum leg_filter)draw(person, LEG_FILTER_COUNT);
    } else if (message.type == MESSAGE_LOG) {
        message.log.run = person->run;
    }
    ask(person, &message);
}

void
sim_operator_think(struct sim_operator *person)
{
    const struct run_record *run = some_run(person);
    uint64_t mood = draw(person, 100);

    person->wants_apply = false;
    if (!run || mood < 50) {
        struct run_spec spec = spec_drawn(person);
        sim_operator_apply(person, &spec);
    } else if (mood < 85) {
        sim_operator_steer(person, run->number, (enum steer_verb)draw(person, STEER_COUNT));
    } else {
        look_around(person);
    }
}

bool
sim_operator_tidy_up(struct sim_operator *person, bool is_patient)
{
    const struct record_list *runs = &person->disk->runs;

    for (size_t i = 0; i < runs->count; i++) {
        const struct run_record *run = &runs->items[i]->run;
        if (run->state < RUN_CANCELLING && !is_patient) {
            sim_operator_steer(person, run->number, STEER_CANCEL);
            return true;
        }
        if (run->state == RUN_PAUSED) {
            sim_operator_steer(person, run->number, draw(person, 4) ? STEER_RESUME : STEER_CANCEL);
            return true;
        }
        if (run->state == RUN_HALTED) {
            sim_operator_steer(person, run->number, draw(person, 3) ? STEER_CANCEL : STEER_RETRY);
            return true;
        }
    }
    return false;
}
