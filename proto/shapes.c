#include "proto/shapes.h"

#include "proto/shape_fields.h"

static const char *const target_states[] = {"ready", "broken"};
static const char *const step_reports[] = {"accepted", "running", "not_started", "stopping",
                                           "refused"};
static const char *const directions[] = {"up", "down"};
static const char *const roles[] = {"viewer", "operator", "admin"};
static const char *const run_kinds[] = {"up", "down"};
static const char *const on_failures[] = {"halt", "rollback", "continue"};
static const char *const steer_verbs[] = {"pause", "resume",    "cancel",
                                          "retry", "pause_all", "resume_all"};
static const char *const leg_filters[] = {"all", "failing", "open"};
static const char *const parties[] = {"agent", "operator"};
static const char *const run_states[] = {"running", "paused", "halted",   "cancelling",
                                         "done",    "failed", "cancelled"};
static const char *const leg_states[] = {"waiting", "running", "done", "failed", "cancelled"};
static const char *const estimate_bases[] = {"nothing", "own", "fleet", "guess", "unmeasured"};
static const char *const adoption_trusts[] = {"neither", "table", "journal"};
static const char *const step_states[] = {"waiting", "assigned", "running",
                                          "done",    "failed",   "cancelled"};

#define WORDS(list) (sizeof(list) / sizeof *(list))
_Static_assert(WORDS(step_reports) == STEP_REPORT_COUNT, "a word for each");
_Static_assert(WORDS(roles) == ROLE_COUNT, "a word for each");
_Static_assert(WORDS(run_kinds) == RUN_KIND_COUNT, "a word for each");
_Static_assert(WORDS(on_failures) == ON_FAILURE_COUNT, "a word for each");
_Static_assert(WORDS(steer_verbs) == STEER_COUNT, "a word for each");
_Static_assert(WORDS(leg_filters) == LEG_FILTER_COUNT, "a word for each");
_Static_assert(WORDS(parties) == PARTY_COUNT, "a word for each");
_Static_assert(WORDS(run_states) == RUN_STATE_COUNT, "a word for each");
_Static_assert(WORDS(leg_states) == LEG_STATE_COUNT, "a word for each");
_Static_assert(WORDS(estimate_bases) == ESTIMATE_BASIS_COUNT, "a word for each");
_Static_assert(WORDS(adoption_trusts) == ADOPTION_TRUST_COUNT, "a word for each");
_Static_assert(WORDS(step_states) == STEP_STATE_COUNT, "a word for each");

/* ---- agent → coordinator ------------------------------------------------------------------- */

static const struct pack_field token_fields[] = {UINT(token, epoch), FIXED(token, instance)};
SHAPE(token);

static const struct pack_field label_fields[] = {
    NAME(label, name), PACK_FIELD_NAME(struct label, value, LABEL_VALUE_MAX)};
const struct pack_shape label_shape = PACK_SHAPE(struct label, label_fields);

static const struct pack_field hello_fields[] = {UINT(hello, version_min), UINT(hello, version_max),
                                                 NAME(hello, software), FIXED(hello, boot_id),
                                                 INSIDE(hello, token_seen, token_shape)};
SHAPE(hello);

static const struct pack_field target_report_fields[] = {
    FIXED(target_report, session),
    FIXED(target_report, target_id),
    NAME(target_report, name),
    NAME(target_report, service),
    LIST(target_report, labels, label_count, label_shape, LABELS_MAX),
    ENUM(target_report, state, target_states),
    INSIDE(target_report, fault, fault_shape),
    UINT(target_report, server_version),
    PACK_FIELD_UINT(struct target_report, system_identifier, 0),
    UINT(target_report, database_oid),
    UINT(target_report, timeline),
    BOOL(target_report, in_recovery),
    UINT(target_report, applied_count),
    VERSION_OR_NIL(target_report, applied_version),
    UINT(target_report, journal_count),
    FIXED(target_report, journal_head),
    INSIDE(target_report, window, window_shape),
};
static const struct pack_shape target_shape =
    PACK_SHAPE(struct target_report, target_report_fields);

static const struct pack_field progress_fields[] = {
    FIXED(progress, step_id), UINT(progress, statement), MS(progress, elapsed_ms),
    PACK_FIELD_TEXT(struct progress, note, NOTE_SIZE_MAX)};
SHAPE(progress);

static const struct pack_field ping_fields[] = {
    FIXED(ping, session), UINT(ping, sequence),
    LIST(ping, running, running_count, progress_shape, RUNNING_MAX)};
SHAPE(ping);

static const struct pack_field fetch_fields[] = {FIXED(fetch, session), FIXED(fetch, digest),
                                                 UINT(fetch, offset)};
SHAPE(fetch);

static const struct pack_field state_fields[] = {
    FIXED(state, session), FIXED(state, step_id), UINT(state, attempt),
    ENUM(state, report, step_reports), INSIDE(state, fault, fault_shape)};
SHAPE(state);

static const struct pack_field result_fields[] = {FIXED(result, session), FIXED(result, step_id),
                                                  FIXED(result, target_id), UINT(result, attempt),
                                                  INSIDE(result, outcome, outcome_shape)};
SHAPE(result);

static const struct pack_field applied_fields[] = {VERSION(applied, version),
                                                   FIXED(applied, checksum)};
SHAPE(applied);

static const struct pack_field surveyed_fields[] = {
    FIXED(surveyed, session),
    FIXED(surveyed, survey_id),
    FIXED(surveyed, target_id),
    BOOL(surveyed, succeeded),
    INSIDE(surveyed, fault, fault_shape),
    LIST(surveyed, applied, applied_count, applied_shape, APPLIED_MAX),
    LIST(surveyed, verdicts, verdict_count, batch_verdict_shape, VERDICTS_MAX),
    LIST(surveyed, obstacles, obstacle_count, obstacle_shape, OBSTACLES_MAX)};
SHAPE(surveyed);

/* ---- coordinator → agent ------------------------------------------------------------------- */

static const struct pack_field welcome_fields[] = {
    UINT(welcome, version), FIXED(welcome, session), INSIDE(welcome, token, token_shape),
    MS(welcome, heartbeat_ms), MS(welcome, lease_ms)};
SHAPE(welcome);

static const struct pack_field wait_fields[] = {MS(wait, retry_after_ms)};
SHAPE(wait);

static const struct pack_field pong_fields[] = {FIXED(pong, session), UINT(pong, sequence)};
SHAPE(pong);

static const struct pack_field chunk_fields[] = {
    FIXED(chunk, digest), UINT(chunk, offset), UINT(chunk, total),
    PACK_FIELD_BYTES(struct chunk, bytes, CHUNK_SIZE_MAX)};
SHAPE(chunk);

static const struct pack_field assign_fields[] = {
    FIXED(assign, session),
    INSIDE(assign, token, token_shape),
    FIXED(assign, step_id),
    FIXED(assign, run_id),
    FIXED(assign, target_id),
    FIXED(assign, digest),
    VERSION(assign, version),
    ENUM(assign, direction, directions),
    UINT(assign, attempt),
    UINT(assign, position),
    UINT(assign, done_count),
    UINT(assign, journal_count),
    FIXED(assign, journal_head),
    PACK_FIELD_UINT(struct assign, lock_timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
    PACK_FIELD_UINT(struct assign, timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
};
SHAPE(assign);

static const struct pack_field result_ack_fields[] = {FIXED(result_ack, step_id),
                                                      UINT(result_ack, attempt)};
SHAPE(result_ack);

static const struct pack_field query_fields[] = {FIXED(query, session), FIXED(query, step_id),
                                                 FIXED(query, target_id), UINT(query, attempt)};
SHAPE(query);

static const struct pack_field cancel_fields[] = {FIXED(cancel, session), FIXED(cancel, step_id),
                                                  FIXED(cancel, target_id), UINT(cancel, attempt),
                                                  BOOL(cancel, spare_running)};
SHAPE(cancel);

static const struct pack_field survey_fields[] = {
    FIXED(survey, session), FIXED(survey, survey_id), FIXED(survey, target_id),
    LIST(survey, probes, probe_count, batch_probe_shape, PROBES_MAX),
    LIST(survey, outlines, outline_count, outline_shape, OUTLINES_MAX)};
SHAPE(survey);

static const struct pack_field target_refused_fields[] = {
    FIXED(target_refused, session), NAME(target_refused, name),
    INSIDE(target_refused, fault, fault_shape)};
SHAPE(target_refused);

/* ---- both ways ----------------------------------------------------------------------------- */

static const struct pack_field bye_fields[] = {FIXED(bye, session), TEXT(bye, reason)};
SHAPE(bye);

static const struct pack_field reject_fields[] = {INSIDE(reject, fault, fault_shape)};
SHAPE(reject);

/* ---- operator → coordinator ---------------------------------------------------------------- */

static const struct pack_field offer_fields[] = {FIXED(offer, request), FIXED(offer, digest),
                                                 NAME(offer, service), UINT(offer, size)};
SHAPE(offer);

static const struct pack_field put_fields[] = {FIXED(put, request), FIXED(put, digest),
                                               UINT(put, offset), UINT(put, total),
                                               PACK_FIELD_BYTES(struct put, bytes, CHUNK_SIZE_MAX)};
SHAPE(put);

static const struct pack_field service_bundle_fields[] = {NAME(service_bundle, service),
                                                          FIXED(service_bundle, digest)};
SHAPE(service_bundle);

static const struct pack_field share_fields[] = {UINT(share, number), BOOL(share, is_percent)};
SHAPE(share);

static const struct pack_field run_spec_fields[] = {
    ENUM(run_spec, kind, run_kinds),
    LIST(run_spec, services, service_count, service_bundle_shape, SERVICES_MAX),
    FIXED(run_spec, undo_run_id),
    VERSION_OR_NIL(run_spec, to_version),
    TEXT(run_spec, select),
    LIST(run_spec, waves, wave_count, share_shape, WAVES_MAX),
    UINT(run_spec, parallel),
    INSIDE(run_spec, budget, share_shape),
    ENUM(run_spec, on_failure, on_failures),
    BOOL(run_spec, out_of_order),
    BOOL(run_spec, skip_refused),
    UINT(run_spec, targets_max),
    PACK_FIELD_UINT(struct run_spec, lock_timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
    PACK_FIELD_UINT(struct run_spec, timeout_ms, SCRIPT_TIMEOUT_MAX_MS),
    INSIDE(run_spec, window, window_shape),
};
const struct pack_shape run_spec_shape = PACK_SHAPE(struct run_spec, run_spec_fields);

static const struct pack_field plan_fields[] = {FIXED(plan, request),
                                                INSIDE(plan, spec, run_spec_shape)};
SHAPE(plan);

static const struct pack_field plan_page_fields[] = {
    FIXED(plan_page, request), FIXED(plan_page, plan_id), UINT(plan_page, offset)};
SHAPE(plan_page);

static const struct pack_field apply_fields[] = {FIXED(apply, request), FIXED(apply, plan_id)};
SHAPE(apply);

static const struct pack_field steer_fields[] = {FIXED(steer, request), NAME_OR_NIL(steer, run),
                                                 ENUM(steer, verb, steer_verbs)};
SHAPE(steer);

static const struct pack_field status_fields[] = {FIXED(status, request), NAME_OR_NIL(status, run),
                                                  ENUM(status, filter, leg_filters),
                                                  UINT(status, offset)};
SHAPE(status);

static const struct pack_field runs_fields[] = {FIXED(runs, request), UINT(runs, offset)};
SHAPE(runs);

static const struct pack_field log_request_fields[] = {
    FIXED(log_request, request), NAME_OR_NIL(log_request, run), NAME_OR_NIL(log_request, target),
    UINT(log_request, offset)};
static const struct pack_shape log_shape = PACK_SHAPE(struct log_request, log_request_fields);

static const struct pack_field targets_fields[] = {FIXED(targets, request), TEXT(targets, select),
                                                   UINT(targets, offset)};
SHAPE(targets);

static const struct pack_field agents_fields[] = {FIXED(agents, request), UINT(agents, offset)};
SHAPE(agents);

static const struct pack_field operators_fields[] = {FIXED(operators, request),
                                                     UINT(operators, offset)};
SHAPE(operators);

static const struct pack_field enrol_fields[] = {FIXED(enrol, request), ENUM(enrol, party, parties),
                                                 NAME(enrol, name), FIXED(enrol, key),
                                                 ENUM(enrol, role, roles)};
SHAPE(enrol);

static const struct pack_field expel_fields[] = {FIXED(expel, request), ENUM(expel, party, parties),
                                                 NAME(expel, name)};
SHAPE(expel);

static const struct pack_field forget_fields[] = {FIXED(forget, request), NAME(forget, target)};
SHAPE(forget);

/* ---- coordinator → operator ---------------------------------------------------------------- */

static const struct pack_field refused_fields[] = {FIXED(refused, request),
                                                   INSIDE(refused, fault, fault_shape)};
SHAPE(refused);

static const struct pack_field done_fields[] = {FIXED(done, request), TEXT(done, text)};
SHAPE(done);

static const struct pack_field offered_fields[] = {
    FIXED(offered, request), BOOL(offered, is_complete), UINT(offered, offset)};
SHAPE(offered);

static const struct pack_field started_fields[] = {FIXED(started, request), FIXED(started, run_id),
                                                   UINT(started, number)};
SHAPE(started);

static const struct pack_field estimate_fields[] = {
    ENUM(estimate, basis, estimate_bases),
    BOOL(estimate, is_most),
    UINT(estimate, bytes),
    UINT(estimate, rows),
    UINT(estimate, rewrite_bytes),
    MS(estimate, low_ms),
    MS(estimate, expected_ms),
    MS(estimate, high_ms),
    UINT(estimate, wal_bytes),
};
SHAPE(estimate);

static const struct pack_field plan_migration_fields[] = {
    NAME(plan_migration, service), VERSION(plan_migration, version),
    TEXT(plan_migration, name),    UINT(plan_migration, target_count),
    NAME(plan_migration, target),  INSIDE(plan_migration, estimate, estimate_shape),
};
SHAPE(plan_migration);

static const struct pack_field plan_leg_fields[] = {
    NAME(plan_leg, target),
    NAME_OR_NIL(plan_leg, service),
    UINT(plan_leg, wave),
    VERSION_OR_NIL(plan_leg, from_version),
    VERSION_OR_NIL(plan_leg, to_version),
    UINT(plan_leg, step_count),
    VERSION_OR_NIL(plan_leg, first_version),
    INSIDE(plan_leg, fault, fault_shape),
    TEXT(plan_leg, note),
    INSIDE(plan_leg, estimate, estimate_shape),
    LIST(plan_leg, obstacles, obstacle_count, obstacle_shape, OBSTACLES_MAX),
};
SHAPE(plan_leg);

static const struct pack_field planned_fields[] = {
    FIXED(planned, request),
    FIXED(planned, plan_id),
    BOOL(planned, is_ready),
    UINT(planned, surveyed_count),
    ENUM(planned, kind, run_kinds),
    UINT(planned, target_count),
    UINT(planned, step_count),
    UINT(planned, wave_count),
    UINT(planned, refused_count),
    UINT(planned, parallel),
    UINT(planned, offset),
    LIST(planned, legs, leg_count, plan_leg_shape, PAGE_SIZE_MAX),
    INSIDE(planned, estimate, estimate_shape),
    UINT(planned, migration_total),
    LIST(planned, migrations, migration_count, plan_migration_shape, PLAN_MIGRATIONS_MAX),
};
SHAPE(planned);

static const struct pack_field leg_view_fields[] = {
    NAME(leg_view, target),
    NAME_OR_NIL(leg_view, service),
    UINT(leg_view, wave),
    ENUM(leg_view, state, leg_states),
    UINT(leg_view, done_count),
    UINT(leg_view, step_count),
    VERSION_OR_NIL(leg_view, version),
    UINT(leg_view, attempt),
    UINT(leg_view, unreachable_ms),
    PACK_FIELD_TEXT(struct leg_view, note, NOTE_SIZE_MAX),
    INSIDE(leg_view, fault, fault_shape),
};
SHAPE(leg_view);

static const struct pack_field wave_view_fields[] = {
    UINT(wave_view, target_count),  UINT(wave_view, done_count), UINT(wave_view, failed_count),
    UINT(wave_view, running_count), UINT(wave_view, step_count), UINT(wave_view, step_done_count)};
SHAPE(wave_view);

static const struct pack_field run_view_fields[] = {
    FIXED(run_view, request),
    FIXED(run_view, run_id),
    UINT(run_view, number),
    ENUM(run_view, kind, run_kinds),
    FIXED(run_view, undo_run_id),
    ENUM(run_view, state, run_states),
    TEXT(run_view, why),
    PACK_FIELD_TEXT(struct run_view, services, SERVICES_TEXT_MAX),
    TEXT(run_view, select),
    NAME_OR_NIL(run_view, operator_name),
    UINT(run_view, started_wall_ms),
    UINT(run_view, ended_wall_ms),
    UINT(run_view, elapsed_ms),
    UINT(run_view, left_ms),
    UINT(run_view, rollback_number),
    LIST(run_view, waves, wave_count, wave_view_shape, WAVES_MAX),
    UINT(run_view, leg_total),
    UINT(run_view, offset),
    LIST(run_view, legs, leg_count, leg_view_shape, PAGE_SIZE_MAX),
    TEXT(run_view, notice),
};
SHAPE(run_view);

static const struct pack_field run_row_fields[] = {
    FIXED(run_row, run_id),
    UINT(run_row, number),
    ENUM(run_row, kind, run_kinds),
    ENUM(run_row, state, run_states),
    PACK_FIELD_TEXT(struct run_row, services, SERVICES_TEXT_MAX),
    NAME_OR_NIL(run_row, operator_name),
    UINT(run_row, target_count),
    UINT(run_row, done_count),
    UINT(run_row, failed_count),
    UINT(run_row, started_wall_ms),
    UINT(run_row, ended_wall_ms),
};
SHAPE(run_row);

static const struct pack_field runs_view_fields[] = {
    FIXED(runs_view, request), UINT(runs_view, total), UINT(runs_view, offset),
    LIST(runs_view, rows, row_count, run_row_shape, PAGE_SIZE_MAX)};
SHAPE(runs_view);

static const struct pack_field step_row_fields[] = {
    FIXED(step_row, step_id),
    NAME(step_row, target),
    VERSION(step_row, version),
    PACK_FIELD_TEXT(struct step_row, name, 256),
    ENUM(step_row, direction, directions),
    ENUM(step_row, state, step_states),
    UINT(step_row, attempt),
    UINT(step_row, ended_wall_ms),
    INSIDE(step_row, outcome, outcome_shape),
};
SHAPE(step_row);

static const struct pack_field log_view_fields[] = {
    FIXED(log_view, request), UINT(log_view, number), UINT(log_view, total), UINT(log_view, offset),
    LIST(log_view, rows, row_count, step_row_shape, LOG_PAGE_SIZE_MAX)};
SHAPE(log_view);

static const struct pack_field target_row_fields[] = {
    FIXED(target_row, target_id),
    NAME(target_row, name),
    NAME_OR_NIL(target_row, service),
    NAME_OR_NIL(target_row, agent),
    LIST(target_row, labels, label_count, label_shape, LABELS_MAX),
    BOOL(target_row, is_reachable),
    ENUM(target_row, state, target_states),
    INSIDE(target_row, fault, fault_shape),
    VERSION_OR_NIL(target_row, version),
    UINT(target_row, applied_count),
    UINT(target_row, server_version),
    UINT(target_row, run_number),
};
SHAPE(target_row);

static const struct pack_field targets_view_fields[] = {
    FIXED(targets_view, request), UINT(targets_view, total), UINT(targets_view, offset),
    LIST(targets_view, rows, row_count, target_row_shape, PAGE_SIZE_MAX)};
SHAPE(targets_view);

static const struct pack_field agent_row_fields[] = {NAME(agent_row, name),
                                                     FIXED(agent_row, key),
                                                     BOOL(agent_row, is_connected),
                                                     UINT(agent_row, silent_ms),
                                                     BOOL(agent_row, was_heard),
                                                     UINT(agent_row, target_count),
                                                     NAME_OR_NIL(agent_row, software),
                                                     INSIDE(agent_row, fault, fault_shape)};
SHAPE(agent_row);

static const struct pack_field agents_view_fields[] = {
    FIXED(agents_view, request), UINT(agents_view, total), UINT(agents_view, offset),
    LIST(agents_view, rows, row_count, agent_row_shape, PAGE_SIZE_MAX)};
SHAPE(agents_view);

static const struct pack_field operator_row_fields[] = {
    NAME(operator_row, name), FIXED(operator_row, key), ENUM(operator_row, role, roles)};
SHAPE(operator_row);

static const struct pack_field operators_view_fields[] = {
    FIXED(operators_view, request), UINT(operators_view, total), UINT(operators_view, offset),
    LIST(operators_view, rows, row_count, operator_row_shape, PAGE_SIZE_MAX)};
SHAPE(operators_view);

/* ---- adopting ------------------------------------------------------------------------------- */

static const struct pack_field adopt_terms_fields[] = {
    ENUM(adopt_terms, trust, adoption_trusts), BOOL(adopt_terms, is_dry),
    BOOL(adopt_terms, is_nothing), BOOL(adopt_terms, takes_edited)};
SHAPE(adopt_terms);

static const struct pack_field adopt_result_fields[] = {
    BOOL(adopt_result, succeeded),
    INSIDE(adopt_result, fault, fault_shape),
    LIST(adopt_result, problems, problem_count, fault_shape, PROBLEMS_MAX),
    UINT(adopt_result, problem_total),
    NAME_OR_NIL(adopt_result, tool),
    TEXT(adopt_result, table),
    UINT(adopt_result, row_count),
    UINT(adopt_result, adopted_count),
    UINT(adopt_result, taken_back_count),
    UINT(adopt_result, mirrored_count),
    UINT(adopt_result, agreed_count),
    UINT(adopt_result, pending_count),
    UINT(adopt_result, late_count),
    UINT(adopt_result, edited_count),
    VERSION_OR_NIL(adopt_result, first_version),
    VERSION_OR_NIL(adopt_result, last_version)};
const struct pack_shape adopt_result_shape = PACK_SHAPE(struct adopt_result, adopt_result_fields);

static const struct pack_field adopt_fields[] = {
    FIXED(adopt, session),  INSIDE(adopt, token, token_shape),
    FIXED(adopt, adopt_id), FIXED(adopt, target_id),
    FIXED(adopt, digest),   INSIDE(adopt, terms, adopt_terms_shape)};
SHAPE(adopt);

static const struct pack_field adopted_fields[] = {
    FIXED(adopted, session), FIXED(adopted, adopt_id), FIXED(adopted, target_id),
    INSIDE(adopted, result, adopt_result_shape)};
SHAPE(adopted);

static const struct pack_field adoption_fields[] = {
    FIXED(adoption_ask, request),    NAME(adoption_ask, service),
    FIXED(adoption_ask, digest),     TEXT(adoption_ask, select),
    UINT(adoption_ask, targets_max), INSIDE(adoption_ask, terms, adopt_terms_shape),
    UINT(adoption_ask, offset)};
static const struct pack_shape adoption_shape = PACK_SHAPE(struct adoption_ask, adoption_fields);

static const struct pack_field adoption_row_fields[] = {
    NAME(adoption_row, target), INSIDE(adoption_row, result, adopt_result_shape)};
SHAPE(adoption_row);

static const struct pack_field adoption_view_fields[] = {
    FIXED(adoption_view, request),
    BOOL(adoption_view, is_ready),
    UINT(adoption_view, target_count),
    UINT(adoption_view, answered_count),
    UINT(adoption_view, refused_count),
    UINT(adoption_view, offset),
    LIST(adoption_view, rows, row_count, adoption_row_shape, ADOPTION_PAGE_MAX)};
SHAPE(adoption_view);

/* ---- sizes ---------------------------------------------------------------------------------- */

static const struct pack_field measure_fields[] = {
    FIXED(measure, session), FIXED(measure, measure_id), FIXED(measure, target_id)};
SHAPE(measure);

static const struct pack_field table_measure_fields[] = {
    NAME(table_measure, schema), NAME(table_measure, name),
    PACK_FIELD_INT(struct table_measure, rows), UINT(table_measure, bytes),
    UINT(table_measure, writes_per_hour)};
SHAPE(table_measure);

static const struct pack_field measured_fields[] = {
    FIXED(measured, session),
    FIXED(measured, measure_id),
    FIXED(measured, target_id),
    BOOL(measured, succeeded),
    INSIDE(measured, fault, fault_shape),
    UINT(measured, server_version),
    UINT(measured, replicas),
    UINT(measured, below),
    LIST(measured, tables, table_count, table_measure_shape, MEASURED_TABLES_MAX)};
SHAPE(measured);

static const struct pack_field sizes_fields[] = {FIXED(sizes, request), NAME(sizes, service),
                                                 TEXT(sizes, select), UINT(sizes, large_bytes)};
SHAPE(sizes);

static const struct pack_field size_row_fields[] = {
    NAME(size_row, schema),       NAME(size_row, name),
    NAME(size_row, target),       PACK_FIELD_INT(struct size_row, rows),
    UINT(size_row, bytes),        UINT(size_row, writes_per_hour),
    UINT(size_row, target_count), UINT(size_row, large_count)};
SHAPE(size_row);

static const struct pack_field sizes_view_fields[] = {
    FIXED(sizes_view, request),
    BOOL(sizes_view, is_ready),
    UINT(sizes_view, target_count),
    UINT(sizes_view, answered_count),
    UINT(sizes_view, measured_count),
    UINT(sizes_view, server_version),
    UINT(sizes_view, replicas),
    UINT(sizes_view, below),
    INSIDE(sizes_view, fault, fault_shape),
    LIST(sizes_view, tables, table_count, size_row_shape, SIZES_TABLES_MAX)};
SHAPE(sizes_view);

/* ---- all of them --------------------------------------------------------------------------- */

#define MESSAGE_KIND(NAME, member, type, sender)                                                   \
    [MESSAGE_##NAME] = {#NAME, &member##_shape, sender},

const struct message_kind message_kinds[MESSAGE_TYPE_COUNT] = {[MESSAGE_NONE] = {.name = "NONE"},
                                                               MESSAGE_TABLE(MESSAGE_KIND)};
