/* flyway: what others need to know of Flyway's versions. */
#ifndef COMMON_MIGRATION_LAYOUTS_FLYWAY_H
#define COMMON_MIGRATION_LAYOUTS_FLYWAY_H

/* Versions with "." between their parts, which are numbers of any length: 1.2 < 1.10, 1.0 = 1. */
int flyway_compare(const char *left, const char *right);

#endif
