#include "tests/sim/faults.h"

/* Usually never; otherwise from 1 to most. */
static unsigned
rate(struct world *world, unsigned permille_of_seeds, unsigned most)
{
    return world_chance(world, permille_of_seeds) ? (unsigned)world_between(world, 1, most) : 0;
}

/* Usually never; otherwise a mean time of least to most seconds. */
static unsigned
every_s(struct world *world, unsigned permille_of_seeds, unsigned least, unsigned most)
{
    return world_chance(world, permille_of_seeds) ? (unsigned)world_between(world, least, most) : 0;
}

struct faults
faults_drawn(struct world *world)
{
    struct faults faults = {0};

    if (world_chance(world, 60)) {
        return faults; /* nothing goes wrong at all */
    }
    faults.lost = rate(world, 300, 150);
    faults.doubled = rate(world, 300, 200);
    faults.delayed = rate(world, 300, 200);
    faults.overtaken = rate(world, 300, 300);
    faults.ghosts = rate(world, 250, 60);
    faults.dies_before_save = rate(world, 200, 15);
    faults.dies_after_save = rate(world, 200, 15);
    faults.dies_while_sending = rate(world, 200, 15);
    faults.dies_at_phase = rate(world, 300, 25);
    faults.answer_lost = rate(world, 300, 60);
    faults.request_lost = rate(world, 300, 60);
    faults.connection_cut = rate(world, 300, 60);
    faults.statement_fails = rate(world, 300, 200);
    faults.statement_is_slow = rate(world, 300, 150);
    faults.migration_is_broken = rate(world, 300, 120);
    faults.chunk_is_bad = rate(world, 60, 50);
    faults.agent_crash_s = every_s(world, 350, 10, 120);
    faults.agent_pause_s = every_s(world, 250, 15, 120);
    faults.coordinator_crash_s = every_s(world, 350, 10, 120);
    faults.coordinator_pause_s = every_s(world, 150, 20, 120);
    faults.link_break_s = every_s(world, 350, 5, 60);
    faults.partition_s = every_s(world, 350, 10, 120);
    faults.database_restart_s = every_s(world, 300, 10, 120);
    faults.database_standby_s = every_s(world, 150, 20, 120);
    faults.backend_kill_s = every_s(world, 300, 5, 60);
    faults.database_replace_s = every_s(world, 80, 40, 200);
    faults.twin_s = every_s(world, 200, 20, 120);
    faults.revoke_s = every_s(world, 100, 30, 120);
    faults.hostile_s = every_s(world, 150, 2, 30);
    faults.removal_s = every_s(world, 120, 15, 90);
    return faults;
}
