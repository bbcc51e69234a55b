#include "coordinator/core/target_claim.h"

#include "common/base/text.h"
#include "coordinator/core/session.h"
#include "coordinator/core/target.h"

static bool
refuse_claimed(const struct target *target, const char *what, struct error *error)
{
    error_set(error, "E-DB-DUP-IDENTITY", "%s by agent %s", what, target->agent->name);
    error_where(error, "%s", target->name);
    return error_hint(error, "one database is served by one agent: take it out of the "
                             "configuration of one of them");
}

/*
 * Another agent serves it, or may well come back and go on: it has a lease's time for that, from
 * when it was last heard of, or from our own start. So a restart, or a connection that is lost for
 * a moment, does not hand its targets to whoever is quicker.
 */
static bool
is_held_by_other(const struct core *core, const struct target *target, const struct agent *agent)
{
    const struct agent *owner = target->agent;
    int64_t lease_ms = SESSION_LEASE_HEARTBEATS * session_heartbeat_ms(core);
    int64_t since_ms = owner->was_heard ? owner->heard_ms : core->begun_ms;

    if (owner == agent || !owner->is_active) {
        return false;
    }
    if (owner->state == SESSION_LIVE) {
        since_ms = owner->begun_ms; /* it is there: has it reported this target? */
    }
    return target_is_claimed(target) || (!owner->has_left && core->now_ms < since_ms + lease_ms);
}

/* A copy carries the identity of its original, but not its cluster and oid. */
static bool
is_copy(const struct target *target, const struct target_report *report)
{
    return report->state == TARGET_READY && target->system_identifier &&
           (target->system_identifier != report->system_identifier ||
            target->database_oid != report->database_oid);
}

static bool
check_known(const struct core *core, const struct target *target, const struct agent *agent,
            const struct target_report *report, struct error *error)
{
    if (is_held_by_other(core, target, agent)) {
        return refuse_claimed(target, "this database is served already", error);
    }
    if (is_copy(target, report)) {
        error_set(error, "E-DB-DUP-IDENTITY", "%s carries the identity of another database",
                  report->name);
        error_where(error, "%s", target->name);
        error_found(error, "system %llu database %llu, recorded %llu %llu",
                    (unsigned long long)report->system_identifier,
                    (unsigned long long)report->database_oid,
                    (unsigned long long)target->system_identifier,
                    (unsigned long long)target->database_oid);
        return error_hint(error, "a copy (or a database that has moved) joins as a new target when "
                                 "the row in its skein.identity is deleted");
    }
    return true;
}

/* The name belongs to another database so far. */
static bool
check_name(const struct core *core, const struct target *namesake, const struct agent *agent,
           const struct target_report *report, struct error *error)
{
    if (is_held_by_other(core, namesake, agent)) {
        return refuse_claimed(namesake, "the name is used for another database", error);
    }
    if (namesake->leg) {
        error_set(error, "E-TARGET-BUSY", "%s is another database now, and run %llu has the former",
                  report->name, (unsigned long long)namesake->leg->run->number);
        return error_hint(error, "let the run end or cancel it");
    }
    return true;
}

bool
target_claim_check(const struct core *core, const struct target *known,
                   const struct target *namesake, const struct agent *agent,
                   const struct target_report *report, struct error *error)
{
    if (report->state == TARGET_READY && id_is_none(&report->target_id)) {
        return error_set(error, "E-PROTO-STATE", "%.64s is ready and has no id", report->name);
    }
    if (!text_is_name(report->name) || !text_is_name(report->service)) {
        char name[TEXT_SHOWN_SIZE], service[TEXT_SHOWN_SIZE];
        return error_set(error, "E-NAME-SYNTAX", "\"%s\" of service \"%s\" is no name",
                         text_shown(report->name, name), text_shown(report->service, service));
    }
    if (!known && !namesake && agent->target_count >= TARGETS_PER_AGENT_MAX) {
        return error_set(error, "E-TARGET-TOO-MANY", "an agent serves at most %d targets",
                         TARGETS_PER_AGENT_MAX);
    }
    if (known && !check_known(core, known, agent, report, error)) {
        return false;
    }
    return !namesake || namesake == known || check_name(core, namesake, agent, report, error);
}
