#include "tests/sim/scenario.h"

bool
scenario_run_all(const char *name, bool traces, bool updates)
{
    (void)name;
    (void)traces;
    (void)updates;
    return true;
}
