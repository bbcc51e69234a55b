#include "coordinator/core/party.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "coordinator/core/session.h"

static const char *const party_nouns[PARTY_COUNT] = {"agent", "operator"};

/* ---- looking up ---------------------------------------------------------------------------- */

struct agent *
agent_with_key(struct core *core, const struct key *key)
{
    struct agent *agent;

    HASH_FIND(by_key, core->agents_by_key, key, sizeof *key, agent);
    return agent;
}

struct agent *
agent_named(struct core *core, const char *name)
{
    struct agent *agent;

    HASH_FIND(by_name, core->agents_by_name, name, strlen(name), agent);
    return agent;
}

struct person *
person_with_key(struct core *core, const struct key *key)
{
    struct person *person;

    HASH_FIND(by_key, core->operators_by_key, key, sizeof *key, person);
    return person;
}

struct person *
person_named(struct core *core, const char *name)
{
    struct person *person;

    HASH_FIND(by_name, core->operators_by_name, name, strlen(name), person);
    return person;
}

/* ---- putting one in, taking one out -------------------------------------------------------- */

static void
agent_set(struct core *core, const struct agent_record *record)
{
    struct agent *agent = agent_named(core, record->name);

    if (!agent) {
        agent = mem_zalloc(sizeof *agent);
        agent->name = mem_text(record->name);
        HASH_ADD_KEYPTR(by_name, core->agents_by_name, agent->name, strlen(agent->name), agent);
        core->agents_are_sorted = false;
    }
    if (agent->is_active) {
        HASH_DELETE(by_key, core->agents_by_key, agent);
        core->active_agents--;
    }
    agent->key = record->key;
    agent->is_active = record->is_active;
    agent->since_wall_ms = record->since_wall_ms;
    if (agent->is_active) {
        HASH_ADD(by_key, core->agents_by_key, key, sizeof agent->key, agent);
        core->active_agents++;
    }
}

static void
person_set(struct core *core, const struct operator_record *record)
{
    struct person *person = person_named(core, record->name);

    if (!person) {
        person = mem_zalloc(sizeof *person);
        person->name = mem_text(record->name);
        HASH_ADD_KEYPTR(by_name, core->operators_by_name, person->name, strlen(person->name),
                        person);
    }
    if (person->is_active) {
        HASH_DELETE(by_key, core->operators_by_key, person);
    }
    person->key = record->key;
    person->role = record->role;
    person->is_active = record->is_active;
    person->since_wall_ms = record->since_wall_ms;
    if (person->is_active) {
        HASH_ADD(by_key, core->operators_by_key, key, sizeof person->key, person);
    }
}

void
agent_load(struct core *core, const struct agent_record *record)
{
    agent_set(core, record);
}

void
person_load(struct core *core, const struct operator_record *record)
{
    person_set(core, record);
}

static void
open_door(struct core *core, enum action_kind kind, enum party party, const struct key *key)
{
    struct action action = {.kind = kind, .party = party, .key = *key};
    actions_add(core->actions, &action);
}

void
party_admit_all(struct core *core)
{
    for (struct agent *agent = core->agents_by_key; agent; agent = agent->by_key.next) {
        open_door(core, ACTION_ADMIT, PARTY_AGENT, &agent->key);
    }
    for (struct person *person = core->operators_by_key; person; person = person->by_key.next) {
        open_door(core, ACTION_ADMIT, PARTY_OPERATOR, &person->key);
    }
}

/* ---- ENROL --------------------------------------------------------------------------------- */

/* What is known of a name or a key, whichever kind of party it is. */
struct known_party {
    const char *name;
    struct key key;
    enum role role;
    bool is_active;
};

static bool
know_by_name(struct core *core, enum party party, const char *name, struct known_party *known)
{
    if (party == PARTY_AGENT) {
        const struct agent *agent = agent_named(core, name);
        if (agent) {
            *known = (struct known_party){agent->name, agent->key, 0, agent->is_active};
        }
        return agent != NULL;
    }
    const struct person *person = person_named(core, name);
    if (person) {
        *known = (struct known_party){person->name, person->key, person->role, person->is_active};
    }
    return person != NULL;
}

static const char *
owner_of_key(struct core *core, enum party party, const struct key *key)
{
    if (party == PARTY_AGENT) {
        const struct agent *agent = agent_with_key(core, key);
        return agent ? agent->name : NULL;
    }
    const struct person *person = person_with_key(core, key);
    return person ? person->name : NULL;
}

static bool
key_is_zero(const struct key *key)
{
    static const struct key zero;
    return memcmp(key, &zero, sizeof zero) == 0;
}

static bool
may_enrol(struct core *core, const struct enrol *enrol, bool *is_there, struct error *error)
{
    struct known_party known;
    const char *noun = party_nouns[enrol->party];

    *is_there = false;
    if (!text_is_name(enrol->name)) {
        char shown[TEXT_SHOWN_SIZE];
        error_set(error, "E-NAME-SYNTAX", "\"%s\" cannot be the name of an %s",
                  text_shown(enrol->name, shown), noun);
        return error_found(error, "allowed: [A-Za-z0-9][A-Za-z0-9._/@-]{0,127} without \"..\"");
    }
    if (key_is_zero(&enrol->key)) {
        return error_set(error, "E-KEY-FORMAT", "the key of %s %s is all zeros", noun, enrol->name);
    }
    if (know_by_name(core, enrol->party, enrol->name, &known) && known.is_active) {
        if (memcmp(&known.key, &enrol->key, sizeof known.key) != 0) {
            error_set(error, "E-NAME-TAKEN", "%s %s is enrolled with another key", noun,
                      enrol->name);
            return error_hint(error, "remove it first: skein %s remove %s", noun, enrol->name);
        }
        *is_there = enrol->party == PARTY_AGENT || known.role == enrol->role;
        return true;
    }
    const char *owner = owner_of_key(core, enrol->party, &enrol->key);
    if (owner) {
        return error_set(error, "E-KEY-TAKEN", "this key is enrolled as %s %s", noun, owner);
    }
    return true;
}

static void
enrol_agent(struct core *core, const struct enrol *enrol)
{
    struct record record = {.kind = RECORD_AGENT,
                            .agent = {.name = enrol->name,
                                      .key = enrol->key,
                                      .is_active = true,
                                      .since_wall_ms = (uint64_t)core->wall_ms}};
    agent_set(core, &record.agent);
    actions_save(core->actions, &record);
}

static void
enrol_operator(struct core *core, const struct enrol *enrol)
{
    struct record record = {.kind = RECORD_OPERATOR,
                            .operator= {.name = enrol->name,
                                        .key = enrol->key,
                                        .role = enrol->role,
                                        .is_active = true,
                                        .since_wall_ms = (uint64_t)core->wall_ms} };
    person_set(core, &record.operator);
    actions_save(core->actions, &record);
}

bool
party_enrol(struct core *core, const struct person *admin, const struct enrol *enrol,
            const char **text, struct error *error)
{
    const char *noun = party_nouns[enrol->party];
    bool is_there;

    if (!may_enrol(core, enrol, &is_there, error)) {
        return false;
    }
    if (is_there) {
        *text = core_format(core, "%s %s is enrolled already", noun, enrol->name);
        return true;
    }
    if (enrol->party == PARTY_AGENT) {
        enrol_agent(core, enrol);
    } else {
        enrol_operator(core, enrol);
    }
    core_audit(core, admin->name, "enrol", core_format(core, "%s %s", noun, enrol->name), "%s",
               enrol->party == PARTY_OPERATOR ? core_format(core, "role %d", (int)enrol->role)
                                              : "");
    open_door(core, ACTION_ADMIT, enrol->party, &enrol->key);
    TRACE(core, "enrol %s %s", noun, enrol->name);
    *text = core_format(core, "%s %s is enrolled", noun, enrol->name);
    return true;
}

/* ---- EXPEL --------------------------------------------------------------------------------- */

static size_t
count_admins(const struct core *core)
{
    size_t count = 0;

    for (struct person *person = core->operators_by_key; person; person = person->by_key.next) {
        count += person->role == ROLE_ADMIN;
    }
    return count;
}

static void
expel_agent(struct core *core, const char *name)
{
    struct agent *agent = agent_named(core, name);
    struct record record = {.kind = RECORD_AGENT,
                            .agent = {.name = agent->name,
                                      .key = agent->key,
                                      .since_wall_ms = (uint64_t)core->wall_ms}};
    agent->has_left = true;
    session_part(core, agent, "its key was taken away");
    agent_set(core, &record.agent);
    actions_save(core->actions, &record);
}

static void
expel_operator(struct core *core, const char *name)
{
    struct person *person = person_named(core, name);
    struct record record = {.kind = RECORD_OPERATOR,
                            .operator= {.name = person->name,
                                        .key = person->key,
                                        .role = person->role,
                                        .since_wall_ms = (uint64_t)core->wall_ms} };
    person_set(core, &record.operator);
    actions_save(core->actions, &record);
}

bool
party_expel(struct core *core, const struct person *admin, const struct expel *expel,
            const char **text, struct error *error)
{
    const char *noun = party_nouns[expel->party];
    struct known_party known;

    if (!know_by_name(core, expel->party, expel->name, &known) || !known.is_active) {
        error_set(error, expel->party == PARTY_AGENT ? "E-AGENT-UNKNOWN" : "E-OPERATOR-UNKNOWN",
                  "there is no %s %.128s", noun, expel->name);
        return error_hint(error, "skein %ss lists them", noun);
    }
    if (expel->party == PARTY_OPERATOR && known.role == ROLE_ADMIN && count_admins(core) == 1) {
        error_set(error, "E-OPERATOR-LAST", "%s is the last admin", known.name);
        return error_hint(error, "enrol another admin first");
    }
    struct key key = known.key;
    if (expel->party == PARTY_AGENT) {
        expel_agent(core, expel->name);
    } else {
        expel_operator(core, expel->name);
    }
    core_audit(core, admin->name, "expel", core_format(core, "%s %s", noun, expel->name), "%s", "");
    open_door(core, ACTION_EXPEL, expel->party, &key);
    TRACE(core, "expel %s %s", noun, expel->name);
    *text = core_format(core, "%s %s is not let in any more", noun, expel->name);
    return true;
}

void
party_release(struct core *core)
{
    struct agent *agent, *next_agent;
    struct person *person, *next_operator;

    HASH_CLEAR(by_key, core->agents_by_key);
    HASH_CLEAR(by_key, core->operators_by_key);
    HASH_ITER(by_name, core->agents_by_name, agent, next_agent)
    {
        HASH_DELETE(by_name, core->agents_by_name, agent);
        free(agent->name);
        free(agent->software);
        free(agent->alarm);
        free(agent->fault);
        free(agent);
    }
    HASH_ITER(by_name, core->operators_by_name, person, next_operator)
    {
        HASH_DELETE(by_name, core->operators_by_name, person);
        free(person->name);
        free(person);
    }
}
