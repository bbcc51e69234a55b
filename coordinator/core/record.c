#include "coordinator/core/record.h"

#include <assert.h>

#include "proto/shapes.h"

#define NUMBER_MAX ((uint64_t)INT64_MAX)
#define NAME_SIZE_MAX 128
#define TEXT_SIZE_MAX 4096
#define STEPS_MAX 100000

#define UINT(type, field) PACK_FIELD_UINT(struct type, field, NUMBER_MAX)
#define BOOL(type, field) PACK_FIELD_BOOL(struct type, field)
#define NAME(type, field) PACK_FIELD_NAME(struct type, field, NAME_SIZE_MAX)
#define TEXT(type, field) PACK_FIELD_TEXT(struct type, field, TEXT_SIZE_MAX)
#define FIXED(type, field) PACK_FIELD_FIXED(struct type, field)
#define ENUM(type, field, last) PACK_FIELD_ENUM(struct type, field, last)
#define INSIDE(type, field, of) PACK_FIELD_STRUCT(struct type, field, of)

static const struct pack_field agent_fields[] = {
    NAME(agent_record, name),
    FIXED(agent_record, key),
    BOOL(agent_record, is_active),
    UINT(agent_record, since_wall_ms),
};

static const struct pack_field operator_fields[] = {
    NAME(operator_record, name),
    FIXED(operator_record, key),
    ENUM(operator_record, role, ROLE_COUNT - 1),
    BOOL(operator_record, is_active),
    UINT(operator_record, since_wall_ms),
};

static const struct pack_field target_fields[] = {
    FIXED(target_record, target_id),
    NAME(target_record, name),
    NAME(target_record, service),
    NAME(target_record, agent),
    PACK_FIELD_LIST(struct target_record, labels, label_count, label_shape, LABELS_MAX),
    PACK_FIELD_UINT(struct target_record, system_identifier, 0),
    UINT(target_record, database_oid),
    UINT(target_record, server_version),
    ENUM(target_record, state, TARGET_BROKEN),
    INSIDE(target_record, fault, fault_shape),
    UINT(target_record, applied_count),
    TEXT(target_record, applied_version),
    BOOL(target_record, is_gone),
};

static const struct pack_field run_fields[] = {
    FIXED(run_record, run_id),
    UINT(run_record, number),
    INSIDE(run_record, spec, run_spec_shape),
    NAME(run_record, operator_name),
    ENUM(run_record, state, RUN_STATE_COUNT - 1),
    TEXT(run_record, why),
    UINT(run_record, leg_count),
    UINT(run_record, done_count),
    UINT(run_record, failed_count),
    UINT(run_record, started_wall_ms),
    UINT(run_record, ended_wall_ms),
    UINT(run_record, rollback_number),
};

static const struct pack_field leg_step_fields[] = {
    NAME(leg_step, version),
    TEXT(leg_step, name),
    FIXED(leg_step, digest),
};
static const struct pack_shape leg_step_shape = PACK_SHAPE(struct leg_step, leg_step_fields);

static const struct pack_field leg_fields[] = {
    FIXED(leg_record, run_id),
    FIXED(leg_record, target_id),
    UINT(leg_record, ordinal),
    UINT(leg_record, wave),
    ENUM(leg_record, state, LEG_STATE_COUNT - 1),
    TEXT(leg_record, from_version),
    TEXT(leg_record, to_version),
    PACK_FIELD_LIST(struct leg_record, steps, step_count, leg_step_shape, STEPS_MAX),
    UINT(leg_record, done_count),
    INSIDE(leg_record, fault, fault_shape),
};

static const struct pack_field step_fields[] = {
    FIXED(step_record, step_id),
    FIXED(step_record, run_id),
    FIXED(step_record, target_id),
    UINT(step_record, position),
    NAME(step_record, version),
    TEXT(step_record, name),
    ENUM(step_record, direction, DIRECTION_DOWN),
    ENUM(step_record, state, STEP_STATE_COUNT - 1),
    ENUM(step_record, owed, OWED_COUNT - 1),
    UINT(step_record, attempt),
    UINT(step_record, ended_wall_ms),
    INSIDE(step_record, outcome, outcome_shape),
};

static const struct pack_field audit_fields[] = {
    UINT(audit_record, wall_ms), NAME(audit_record, actor),  NAME(audit_record, verb),
    TEXT(audit_record, subject), TEXT(audit_record, detail),
};

static const struct pack_field load_fields[] = {
    FIXED(load_record, run_id),       UINT(load_record, ordinal),
    UINT(load_record, position),      UINT(load_record, scan_bytes),
    UINT(load_record, index_bytes),   UINT(load_record, write_bytes),
    UINT(load_record, rewrite_bytes), UINT(load_record, partial_bytes),
    UINT(load_record, rows),          BOOL(load_record, goes_on),
    BOOL(load_record, is_unmeasured),
};

static const struct pack_field pace_fields[] = {
    FIXED(pace_record, target_id), ENUM(pace_record, kind, WORK_KIND_COUNT - 1),
    UINT(pace_record, samples),    UINT(pace_record, rate),
    UINT(pace_record, spread),     UINT(pace_record, wal),
};

static const struct pack_shape shapes[RECORD_KIND_COUNT] = {
    [RECORD_AGENT] = PACK_SHAPE(struct agent_record, agent_fields),
    [RECORD_OPERATOR] = PACK_SHAPE(struct operator_record, operator_fields),
    [RECORD_TARGET] = PACK_SHAPE(struct target_record, target_fields),
    [RECORD_RUN] = PACK_SHAPE(struct run_record, run_fields),
    [RECORD_LEG] = PACK_SHAPE(struct leg_record, leg_fields),
    [RECORD_STEP] = PACK_SHAPE(struct step_record, step_fields),
    [RECORD_AUDIT] = PACK_SHAPE(struct audit_record, audit_fields),
    [RECORD_LOAD] = PACK_SHAPE(struct load_record, load_fields),
    [RECORD_PACE] = PACK_SHAPE(struct pace_record, pace_fields),
};

#define RECORD_TEXT(NAME, member, type) [RECORD_##NAME] = #member,
static const char *const names[RECORD_KIND_COUNT] = {RECORD_TABLE(RECORD_TEXT)};
#undef RECORD_TEXT

const struct id *
record_run_id(const struct record *record)
{
    switch (record->kind) {
    case RECORD_RUN:
        return &record->run.run_id;
    case RECORD_LEG:
        return &record->leg.run_id;
    case RECORD_STEP:
        return &record->step.run_id;
    case RECORD_LOAD:
        return &record->load.run_id;
    default:
        return NULL;
    }
}

const char *
record_name(enum record_kind kind)
{
    assert(kind < RECORD_KIND_COUNT);
    return names[kind];
}

const struct pack_shape *
record_shape(enum record_kind kind)
{
    assert(kind < RECORD_KIND_COUNT);
    return &shapes[kind];
}

void
record_copy(const struct record *record, struct arena *arena, struct record *copy)
{
    copy->kind = record->kind;
    pack_copy(record_shape(record->kind), &record->agent, arena, &copy->agent);
}
