#include "tests/component/execute/others.h"

#include "common/base/mem.h"

PGconn *
other_open(const struct scene *scene, const char *name)
{
    CLEANUP(mem_free) char *conninfo = mem_format("%s application_name=%s", scene->conninfo, name);
    PGconn *pg = PQconnectdb(conninfo);

    if (PQstatus(pg) != CONNECTION_OK) {
        fail_msg("%s", PQerrorMessage(pg));
    }
    return pg;
}

void
other_say(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);

    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail_msg("%s", PQerrorMessage(pg));
    }
    PQclear(result);
}

void
other_goes_up(void *context)
{
    struct scene *scene = context;
    struct step_order order = scene_order(scene, 0, DIRECTION_UP);

    if (!sitting_execute(scene->sitting, &order, &scene->arena, &scene->outcome, &scene->error)) {
        scene->outcome = (struct outcome){.kind = OUTCOME_KIND_COUNT};
    }
}
