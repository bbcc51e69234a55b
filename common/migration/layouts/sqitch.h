/*
 * sqitch: what sqitch.plan says of a change, for sqitch's own tables. Change ids are computed along
 * the plan from exactly these.
 */
#ifndef COMMON_MIGRATION_LAYOUTS_SQITCH_H
#define COMMON_MIGRATION_LAYOUTS_SQITCH_H

#include <stddef.h>

/* Who planned it, when and why; date as written: 2013-02-26T23:55:14Z. */
struct sqitch_planning {
    const char *date, *planner_name, *planner_mail;
    const char *note; /* "" when there is none */
};

struct sqitch_tag {
    const char *name; /* with its @ */
    struct sqitch_planning planning;
};

/* source_migration->plan of the layout sqitch. */
struct sqitch_change {
    const char *project;
    const char *uri;  /* null when not said */
    const char *name; /* as planned; several changes may have it */
    struct sqitch_planning planning;
    const char **requires, **conflicts; /* as written, without the ! */
    size_t require_count, conflict_count;
    struct sqitch_tag *tags; /* that stand behind it, before the next change */
    size_t tag_count;
};

#endif
