#include "coordinator/shell/recall.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

/* What an answer is made of and with. */
struct recall {
    struct store *store;
    struct bundles *bundles;
    struct arena *arena;
    struct message *answer;
    struct error *error;
};

bool
recall_writes(const struct message *request)
{
    return request->type == MESSAGE_PUT;
}

void
recall_refuse(const struct message *request, const struct error *error, struct arena *arena,
              struct message *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->type = MESSAGE_REFUSED;
    /* Every request of an operator begins with its id. */
    answer->refused.request = request->offer.request;
    answer->refused.fault = fault_from_error(error, arena);
}

/* ---- bundles -------------------------------------------------------------------------------- */

static bool
answer_offer(struct recall *recall, const struct offer *offer)
{
    struct offered *offered = &recall->answer->offered;

    recall->answer->type = MESSAGE_OFFERED;
    offered->request = offer->request;
    return store_bundle_offered(recall->store, &offer->digest, &offered->offset,
                                &offered->is_complete, recall->error);
}

static bool
answer_put(struct recall *recall, const struct put *put)
{
    struct offered *offered = &recall->answer->offered;

    recall->answer->type = MESSAGE_OFFERED;
    offered->request = put->request;
    return bundles_put(recall->bundles, put, &offered->offset, &offered->is_complete,
                       recall->error);
}

/* ---- runs ----------------------------------------------------------------------------------- */

/* "auth, policy": of the run, or of the run that it undoes. */
static bool
services_of(struct recall *recall, const struct run_record *run, const char **services)
{
    CLEANUP(text_release) struct text list = {0};
    const struct run_spec *spec = &run->spec;
    struct record undone;
    char id[ID_TEXT_SIZE];

    if (!id_is_none(&spec->undo_run_id)) {
        if (!store_find_run(recall->store, id_text(&spec->undo_run_id, id), recall->arena, &undone,
                            recall->error)) {
            *services = NULL;
            return error_is(recall->error, "E-RUN-UNKNOWN");
        }
        spec = &undone.run.spec;
    }
    for (size_t i = 0; i < spec->service_count; i++) {
        text_format(&list, "%s%s", i ? ", " : "", spec->services[i].service);
    }
    *services = arena_text(recall->arena, text_of(&list));
    return true;
}

static bool
fill_row(struct recall *recall, const struct run_record *run, struct run_row *row)
{
    *row = (struct run_row){
        .run_id = run->run_id,
        .number = run->number,
        .kind = run->spec.kind,
        .state = run->state,
        .operator_name = run->operator_name,
        .target_count = run->leg_count,
        .done_count = run->done_count,
        .failed_count = run->failed_count,
        .started_wall_ms = run->started_wall_ms,
        .ended_wall_ms = run->ended_wall_ms,
    };
    return services_of(recall, run, &row->services);
}

static bool
answer_runs(struct recall *recall, const struct runs *runs)
{
    struct runs_view *view = &recall->answer->runs_view;
    struct store_page page;

    recall->answer->type = MESSAGE_RUNS_VIEW;
    if (!store_runs(recall->store, runs->offset, PAGE_SIZE_MAX, recall->arena, &page,
                    recall->error)) {
        return false;
    }
    view->request = runs->request;
    view->total = page.total;
    view->offset = runs->offset;
    view->rows = arena_alloc(recall->arena, page.count * sizeof *view->rows);
    view->row_count = page.count;
    for (size_t i = 0; i < page.count; i++) {
        if (!fill_row(recall, &page.records[i].run, &view->rows[i])) {
            return false;
        }
    }
    return true;
}

/* ---- one run -------------------------------------------------------------------------------- */

/* The step that a leg's row is about: the one that failed, or the last that was done. */
static const char *
version_of(const struct leg_record *leg)
{
    size_t position = leg->done_count;

    if (leg->state == LEG_DONE && position > 0) {
        position--;
    }
    return position < leg->step_count ? leg->steps[position].version : leg->from_version;
}

static bool
fill_leg(struct recall *recall, const struct leg_record *leg, struct leg_view *view)
{
    struct record target;

    if (!store_find_target(recall->store, &leg->target_id, recall->arena, &target, recall->error) ||
        !store_failed_attempt(recall->store, &leg->run_id, &leg->target_id, &view->attempt,
                              recall->error)) {
        return false;
    }
    view->target = target.target.name;
    view->service = target.target.service;
    view->wave = leg->wave;
    view->state = leg->state;
    view->done_count = leg->done_count;
    view->step_count = leg->step_count;
    view->version = version_of(leg);
    view->fault = leg->fault;
    return true;
}

static bool
fill_legs(struct recall *recall, const struct run_record *run, const struct status *status,
          struct run_view *view)
{
    struct store_page page;

    if (!store_legs(recall->store, &run->run_id, status->filter, status->offset, PAGE_SIZE_MAX,
                    recall->arena, &page, recall->error)) {
        return false;
    }
    view->leg_total = page.total;
    view->offset = status->offset;
    view->legs = arena_alloc(recall->arena, page.count * sizeof *view->legs);
    view->leg_count = page.count;
    for (size_t i = 0; i < page.count; i++) {
        if (!fill_leg(recall, &page.records[i].leg, &view->legs[i])) {
            return false;
        }
    }
    return true;
}

static bool
answer_status(struct recall *recall, const struct status *status)
{
    struct run_view *view = &recall->answer->run_view;
    struct record record;
    const struct run_record *run = &record.run;

    recall->answer->type = MESSAGE_RUN_VIEW;
    if (!store_find_run(recall->store, status->run, recall->arena, &record, recall->error)) {
        return false;
    }
    view->request = status->request;
    view->run_id = run->run_id;
    view->number = run->number;
    view->kind = run->spec.kind;
    view->undo_run_id = run->spec.undo_run_id;
    view->state = run->state;
    view->why = run->why;
    view->select = run->spec.select;
    view->operator_name = run->operator_name;
    view->started_wall_ms = run->started_wall_ms;
    view->ended_wall_ms = run->ended_wall_ms;
    if (run->ended_wall_ms > run->started_wall_ms) {
        view->elapsed_ms = run->ended_wall_ms - run->started_wall_ms;
    }
    view->rollback_number = run->rollback_number;
    return services_of(recall, run, &view->services) &&
           store_waves(recall->store, &run->run_id, recall->arena, &view->waves, &view->wave_count,
                       recall->error) &&
           fill_legs(recall, run, status, view);
}

/* ---- the log -------------------------------------------------------------------------------- */

static bool
fill_step(struct recall *recall, const struct step_record *step, struct step_row *row)
{
    struct record target;

    if (!store_find_target(recall->store, &step->target_id, recall->arena, &target,
                           recall->error)) {
        return false;
    }
    *row = (struct step_row){
        .step_id = step->step_id,
        .target = target.target.name,
        .version = step->version,
        .name = step->name,
        .direction = step->direction,
        .state = step->state,
        .attempt = step->attempt,
        .ended_wall_ms = step->ended_wall_ms,
        .outcome = step->outcome,
    };
    return true;
}

static bool
answer_log(struct recall *recall, const struct log_request *log)
{
    struct log_view *view = &recall->answer->log_view;
    struct store_page page;
    struct record run;
    struct id target_id;

    recall->answer->type = MESSAGE_LOG_VIEW;
    if (!store_find_run(recall->store, log->run, recall->arena, &run, recall->error) ||
        (log->target &&
         !store_find_target_named(recall->store, log->target, &target_id, recall->error)) ||
        !store_steps(recall->store, &run.run.run_id, log->target ? &target_id : NULL, log->offset,
                     LOG_PAGE_SIZE_MAX, recall->arena, &page, recall->error)) {
        return false;
    }
    view->request = log->request;
    view->number = run.run.number;
    view->total = page.total;
    view->offset = log->offset;
    view->rows = arena_alloc(recall->arena, page.count * sizeof *view->rows);
    view->row_count = page.count;
    for (size_t i = 0; i < page.count; i++) {
        if (!fill_step(recall, &page.records[i].step, &view->rows[i])) {
            return false;
        }
    }
    return true;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static bool
answer_request(struct recall *recall, const struct message *request)
{
    switch (request->type) {
    case MESSAGE_OFFER:
        return answer_offer(recall, &request->offer);
    case MESSAGE_PUT:
        return answer_put(recall, &request->put);
    case MESSAGE_STATUS:
        return answer_status(recall, &request->status);
    case MESSAGE_RUNS:
        return answer_runs(recall, &request->runs);
    case MESSAGE_LOG:
        return answer_log(recall, &request->log);
    default:
        return error_set(recall->error, "E-PROTO-TYPE", "the store is not asked for %s",
                         message_name(request->type));
    }
}

bool
recall_answer(struct store *store, struct bundles *bundles, const struct message *request,
              struct arena *arena, struct message *answer, struct error *error)
{
    struct recall recall = {store, bundles, arena, answer, error};

    memset(answer, 0, sizeof *answer);
    if (answer_request(&recall, request)) {
        return true;
    }
    if (text_starts_with(error->code, "E-STORE-")) {
        return false;
    }
    recall_refuse(request, error, arena, answer);
    return true;
}
