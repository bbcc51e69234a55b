#include "coordinator/shell/start.h"

#include <czmq.h>
#include <inttypes.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/io/keys.h"

#include "coordinator/shell/doors.h"
#include "coordinator/shell/gate.h"
#include "coordinator/shell/inspect.h"
#include "coordinator/shell/loop.h"
#include "coordinator/shell/service.h"
#include "coordinator/shell/store.h"

struct parts {
    struct key_pair keys;
    struct store *store;
    struct gate *gate;
    struct doors *doors;
    struct core *core;
    int signals;
};

static void
close_parts(struct parts *parts)
{
    core_destroy(&parts->core);
    doors_close(&parts->doors);
    gate_close(&parts->gate);
    store_close(&parts->store);
    keys_wipe(&parts->keys);
    if (parts->signals >= 0) {
        close(parts->signals);
    }
}

static bool
open_store(const struct start_options *options, struct parts *parts, struct error *error)
{
    const struct settings *settings = options->settings;
    const struct store_options store = {
        .path = settings->store_path,
        .cluster_id = settings->has_cluster ? &settings->cluster_id : NULL,
        .refuses_volatile = settings->refuses_volatile,
        .accepts_older = options->accepts_older,
        .size_max = settings->store_size_max,
        .inspects = options->inspects,
    };

    return store_open(&store, &parts->store, error);
}

/* ---- operators of the configuration --------------------------------------------------------- */

struct search {
    const struct settings_operator *wanted;
    bool is_known;
};

static void
compare(void *context, const struct record *record)
{
    struct search *search = context;
    const struct settings_operator *wanted = search->wanted;

    if (record->kind == RECORD_OPERATOR && text_equal(record->operator.name, wanted->name)) {
        search->is_known = record->operator.is_active && record->operator.role == wanted->role &&
                           memcmp(&record->operator.key, &wanted->key, sizeof wanted->key) == 0;
    }
}

static bool
enrol(struct store *store, const struct settings_operator *operator, struct error * error)
{
    struct record record = {.kind = RECORD_OPERATOR};
    struct record audit = {.kind = RECORD_AUDIT};

    record.operator=(struct operator_record){
        .name = operator->name,
        .key = operator->key,
        .role = operator->role,
        .is_active = true,
        .since_wall_ms = (uint64_t)clock_wall_ms(),
    };
    audit.audit = (struct audit_record){
        .wall_ms = (uint64_t)clock_wall_ms(),
        .actor = "coordinator",
        .verb = "operator add",
        .subject = operator->name,
        .detail = "as the configuration says",
    };
    return store_begin(store, error) && store_save(store, &record, error) &&
           store_save(store, &audit, error) && store_commit(store, error);
}

/* Who stands in the configuration may come in, whatever the store says; changes are audited. */
static bool
enrol_operators(const struct settings *settings, struct store *store, struct error *error)
{
    for (size_t i = 0; i < settings->operator_count; i++) {
        struct search search = {.wanted = &settings->operators[i]};
        const struct store_reader reader = {compare, &search};
        if (!store_load_parties(store, &reader, error) ||
            (!search.is_known && !enrol(store, search.wanted, error))) {
            return false;
        }
    }
    FAILPOINT("start-enrolled");
    return true;
}

/* ---- the keys ------------------------------------------------------------------------------- */

static void
admit(void *gate, const struct record *record)
{
    if (record->kind == RECORD_AGENT && record->agent.is_active) {
        gate_admit(gate, PARTY_AGENT, &record->agent.key);
    }
    if (record->kind == RECORD_OPERATOR && record->operator.is_active) {
        gate_admit(gate, PARTY_OPERATOR, &record->operator.key);
    }
}

/* Before the doors open: libzmq's clients do not come back by themselves after a refusal. */
static bool
open_gate(struct parts *parts, struct error *error)
{
    if (!gate_open(&parts->gate, error)) {
        return false;
    }
    const struct store_reader reader = {admit, parts->gate};
    return store_load_parties(parts->store, &reader, error);
}

static void
look(void *nothing, const struct record *record)
{
    (void)nothing;
    (void)record;
}

/*
 * To inspect: who stands in the configuration may come in; whom the store names, only while nothing
 * in it is doubtful. Somebody may have added themselves, or been removed after it was copied.
 */
static bool
open_gate_to_inspect(const struct settings *settings, struct parts *parts, struct error *error)
{
    const struct store_reader looks = {look, NULL};

    if (!gate_open(&parts->gate, error)) {
        return false;
    }
    for (size_t i = 0; i < settings->operator_count; i++) {
        gate_admit(parts->gate, PARTY_OPERATOR, &settings->operators[i].key);
    }
    if (!store_load_parties(parts->store, &looks, error) || store_doubt(parts->store)) {
        log_warn("only the operators of the configuration may come in");
        return true;
    }
    const struct store_reader admits = {admit, parts->gate};
    return store_load_parties(parts->store, &admits, error);
}

/* ---- the core ------------------------------------------------------------------------------- */

static void
write_trace(void *context, const char *line)
{
    (void)context;
    log_debug("%s", line);
}

static bool
make_core(const struct settings *settings, struct parts *parts, struct error *error)
{
    struct core_config config = core_config_default();
    struct random random = random_from_system();

    config.cluster_id = store_cluster_id(parts->store);
    config.token.epoch = store_epoch(parts->store);
    config.token.instance = id_random();
    config.seed = random_next(&random);
    config.heartbeat_min_ms = settings->heartbeat_ms;
    config.resend_ms = settings->resend_ms;
    if (settings->window) {
        config.window = settings->window;
    }
    if (settings->attempts_max) {
        config.attempts_max = settings->attempts_max;
    }
    if (settings->log_level == LOG_DEBUG) {
        config.trace.sink = write_trace;
    }
    if (!store_next_number(parts->store, &config.next_number, error)) {
        return false;
    }
    parts->core = core_new(&config);
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* What a coordinator that only shows its store does without: a core, agents, anything to save. */
static bool
open_to_inspect(const struct start_options *options, struct parts *parts, struct error *error)
{
    const struct doors_options doors = {
        .endpoints = {[PARTY_OPERATOR] = options->settings->endpoints[PARTY_OPERATOR]},
        .keys = &parts->keys,
    };

    return open_gate_to_inspect(options->settings, parts, error) &&
           doors_open(&doors, parts->gate, &parts->doors, error);
}

static bool
open_to_lead(const struct start_options *options, struct parts *parts, struct error *error)
{
    const struct settings *settings = options->settings;
    const struct doors_options doors = {
        .endpoints = {[PARTY_AGENT] = settings->endpoints[PARTY_AGENT],
                      [PARTY_OPERATOR] = settings->endpoints[PARTY_OPERATOR]},
        .keys = &parts->keys,
    };

    return enrol_operators(settings, parts->store, error) && make_core(settings, parts, error) &&
           open_gate(parts, error) && doors_open(&doors, parts->gate, &parts->doors, error);
}

static bool
open_parts(const struct start_options *options, struct parts *parts, struct error *error)
{
    const struct settings *settings = options->settings;

    parts->signals = service_signals();
    if (parts->signals < 0) {
        return error_set(error, "E-RLIMIT", "cannot watch signals");
    }
    zsys_init();
    zsys_handler_set(NULL);
    return service_check_libraries(error) &&
           service_need_descriptors(settings_descriptors(settings), error) &&
           keys_load(settings->key_path, &parts->keys, error) &&
           open_store(options, parts, error) &&
           (options->inspects ? open_to_inspect : open_to_lead)(options, parts, error);
}

static void
announce(void)
{
    service_notify("READY=1");
}

static bool
lead(const struct loop_parts *loop, const struct parts *parts, struct error *error)
{
    struct id cluster_id = store_cluster_id(parts->store);
    char id[ID_TEXT_SIZE], key[KEYS_HEX_SIZE];

    text_hex(parts->keys.public_key, KEYS_SIZE, key);
    log_info("cluster %s, epoch %" PRIu64 ", agents at %s, operators at %s, key %s",
             id_text(&cluster_id, id), store_epoch(parts->store),
             doors_endpoint(parts->doors, PARTY_AGENT),
             doors_endpoint(parts->doors, PARTY_OPERATOR), key);
    return loop_run(loop, announce, error);
}

bool
start_coordinator(const struct start_options *options, struct error *error)
{
    struct parts parts = {.signals = -1};

    bool goes_well = open_parts(options, &parts, error);
    if (goes_well) {
        const struct loop_parts loop = {.store = parts.store,
                                        .gate = parts.gate,
                                        .doors = parts.doors,
                                        .core = parts.core,
                                        .signals = parts.signals};
        if (options->inspects) {
            inspect_run(&loop, announce);
        } else {
            goes_well = lead(&loop, &parts, error);
        }
        service_notify("STOPPING=1");
    }
    close_parts(&parts);
    zsys_shutdown();
    return goes_well;
}
