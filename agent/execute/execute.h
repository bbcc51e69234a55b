/*
 * execute: carries one step out on one database, so that it takes effect at most once whatever
 * dies meanwhile, and can say afterwards what became of it. The recipe is docs/protocol.md,
 * "Step". The same code serves the agent's workers and `skein up --database`.
 *
 * A sitting is one connection to one target, kept for the length of a run: it is opened on the
 * first call that needs it, opened again when it was lost, and closed by sitting_rest when there is
 * nothing to do for a while. Not thread-safe, but for sitting_stop.
 */
#ifndef AGENT_EXECUTE_EXECUTE_H
#define AGENT_EXECUTE_EXECUTE_H

#include "common/base/id.h"
#include "common/migration/adoption.h"
#include "common/migration/bundle.h"
#include "common/migration/outcome.h"
#include "common/migration/outline.h"
#include "common/migration/probe.h"
#include "common/postgres/inventory.h"
#include "agent/execute/policy.h"

struct sitting;

/* How a target is reached and worked on; the texts belong to the caller and outlive the sitting. */
struct target_config {
    const char *name;         /* "auth-eu-1"; in application_name and in errors */
    const char *conninfo;     /* libpq's; holds no password */
    const char *role;         /* SET ROLE for migrations; null: the connecting one */
    const char *search_path;  /* for migrations; null: the role's own */
    uint64_t lock_timeout_ms; /* of one statement's wait, when its file does not say; 0: 2,000 */
    uint64_t lock_budget_ms;  /* tries for a lock, all together; 0: 60,000 */
    uint64_t statement_timeout_ms; /* of one statement, when its file does not say; 0: none */
    uint64_t timeout_ms;           /* of one script, when its file does not say; 0: none */
    bool is_unobserved;            /* what its steps cost is not measured (observation.h) */
    struct preflight_policies preflight;
    struct eviction eviction;
};

/* Who leads, as the target's fence knows it. */
struct fence {
    uint64_t epoch;
    struct id instance;
};

/* What was found out about a target. */
struct target_facts {
    struct id target_id;
    struct id cluster_id; /* none: belongs to no coordinator yet */
    uint64_t server_version;
    uint64_t system_identifier;
    uint64_t database_oid;
    uint64_t timeline;
    bool in_recovery;
    uint64_t applied_count;
    const char *applied_version; /* lives in the arena given; null when none */
    uint64_t journal_count;
    uint8_t journal_head[CHECKSUM_SIZE];
};

struct applied_migration {
    const char *version, *name;
    uint8_t checksum[CHECKSUM_SIZE];
    int64_t applied_wall_ms;
    uint64_t duration_us;
};

struct step_order {
    struct id step_id;
    uint64_t attempt;
    struct id cluster_id; /* none for local work: leaves the target's as it is */
    struct fence fence;   /* epoch 0 for local work: never lowers the fence, never passes it */
    const struct bundle *bundle;
    const struct migration *migration;
    enum direction direction;
    uint64_t lock_timeout_ms, timeout_ms; /* 0: the file's, else the target's */
    /* A row that the journal is known to have had; 0: of none. Else it is E-DB-LOST-HISTORY. */
    uint64_t journal_count;
    uint8_t journal_head[CHECKSUM_SIZE];
    /* Called between statements with the number of the one about to run, from 1; may be null. */
    void (*progress)(void *context, uint64_t statement);
    /* Called a few times a second with what is being done or waited for, in words; may be null. */
    void (*note)(void *context, const char *note);
    void *context;
};

/* What another tool has applied is to be taken over, without running anything. */
struct adopt_order {
    const struct bundle *bundle;
    struct id cluster_id; /* as in a step */
    struct fence fence;
    enum adoption_trust trust;
    bool takes_edited; /* files that were changed since are taken as they are now */
    bool is_dry;       /* look and decide only; nothing is made or changed */
    bool is_nothing;   /* no other tool's table is about this service: from now on none is heeded */
};

struct adopt_report {
    const char *tool, *table; /* "golang-migrate", "public.schema_migrations" */
    size_t row_count;         /* of the table */
    struct adoption adoption;
    struct fault *problems; /* what does not agree, beside the error */
    size_t problem_count;
};

/* A history that is what was written there. */
struct verified {
    uint64_t first_row, last_row; /* of the journal that were looked at; 0: there is none */
    size_t applied_count;
};

/* The failpoints on the way of a step, null behind the last; crash tests go through all of them. */
extern const char *const execute_failpoints[];

/* The caller owns the result; nothing is connected yet. */
struct sitting *sitting_new(const struct target_config *config);
void sitting_destroy(struct sitting **sitting_p);

/*
 * Connect and look: identity and fitness (T1). Makes the skein schema and the target's identity
 * when they are missing and the role may. False with E-DB-…: STANDBY, POOLER, PRIV,
 * FOREIGN-HISTORY, VERSION, AUTH, UNREACHABLE, …
 */
bool sitting_examine(struct sitting *sitting, struct arena *arena, struct target_facts *facts,
                     struct error *error);

/*
 * What is applied now, in the order it was applied, into the arena: version and checksum only,
 * which is all that a plan needs and is cheap to get.
 */
bool sitting_survey(struct sitting *sitting, struct arena *arena,
                    struct applied_migration **applied, size_t *applied_count, struct error *error);

/*
 * What the target's catalog says against statements that are to go in batches, of those that were
 * not applied when it was surveyed: at most VERDICTS_MAX, in the order of the probes. What
 * cannot be asked is not told.
 */
size_t sitting_probe(struct sitting *sitting, const struct batch_probe *probes, size_t probe_count,
                     struct arena *arena, struct batch_verdict *verdicts);

/*
 * What stands against steps that may be to come (those outlined that are not applied, or are and
 * would be undone): at most OBSTACLES_MAX, the gravest first. The target was surveyed just now.
 * What cannot be asked is not told.
 */
size_t sitting_preview(struct sitting *sitting, const struct outline *outlines,
                       size_t outline_count, struct arena *arena, struct obstacle *obstacles);

/* The tables of at least so many bytes, into the arena (inventory.h). */
bool sitting_measure(struct sitting *sitting, uint64_t bytes_min, struct arena *arena,
                     struct inventory *inventory, struct error *error);

/* The same as a survey with names, times and durations, for people. */
bool sitting_history(struct sitting *sitting, struct arena *arena,
                     struct applied_migration **applied, size_t *applied_count,
                     struct error *error);

/*
 * Look at all of the history: are the tables as they were made (else E-HIST-SHAPE), is the journal
 * what was written there, and does it say what is applied (else E-HIST-TAMPERED, with the first
 * row that does not fit)? What was found bad is not written to, until it is put back or accepted.
 */
bool sitting_verify(struct sitting *sitting, struct verified *verified, struct error *error);

/*
 * Write down that the history is accepted as it was found, and why: from here on the journal says
 * what stands as applied now. *accepted: what was wrong; none when nothing was, and then nothing is
 * written. False with E-HIST-SHAPE, E-DB-….
 */
bool sitting_accept(struct sitting *sitting, const char *reason, struct error *accepted,
                    struct error *error);

/*
 * Write down in the journal what another tool's history table says is applied. Said again it does
 * nothing more. False with E-ADOPT-…, and nothing is changed then. The report's texts and lists
 * live in the arena and the bundle.
 */
bool sitting_adopt(struct sitting *sitting, const struct adopt_order *order, struct arena *arena,
                   struct adopt_report *report, struct error *error);

/*
 * Whether what another tool has applied is adopted, as far as these migrations are concerned: false
 * with E-ADOPT-NEEDED. The target was looked at before (examine, survey, history).
 */
bool sitting_check_adopted(struct sitting *sitting, const struct manifest *manifest,
                           struct error *error);

/*
 * Carry the step out and say what became of it. Always ends with a verdict that the database
 * bears out: lost connections are opened again and an uncertain commit is looked up, for as long
 * as it takes or until sitting_stop was called. Texts of the outcome live in the arena.
 * Returns false only when the truth could not be found out (stopped while the database could not
 * be reached): then the step is to be resolved later.
 */
bool sitting_execute(struct sitting *sitting, const struct step_order *order, struct arena *arena,
                     struct outcome *outcome, struct error *error);

/*
 * What the journal knows of a step, under the target's lock, so that nothing of it can still be
 * running: *found and its outcome, or nothing of it is left. False when the database could not be
 * asked.
 */
bool sitting_resolve(struct sitting *sitting, const struct id *step_id, uint64_t attempt,
                     struct arena *arena, bool *found, struct outcome *outcome,
                     struct error *error);

/* Ask a running call to end early; from another thread, any time, any number of times. */
void sitting_stop(struct sitting *sitting);

/*
 * The same for a step that is done in many transactions: it ends between two of them, and another
 * attempt goes on there. Every other step comes to its end.
 */
void sitting_pause(struct sitting *sitting);

/* Take the wish to stop back, before the next call. */
void sitting_clear_stop(struct sitting *sitting);

/* Let go of the target's lock and of the connection. */
void sitting_rest(struct sitting *sitting);

#endif
