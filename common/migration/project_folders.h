/*
 * project_folders: several folders of migrations of one service, as dbmate and Flyway know them:
 * the folder that all of them lie in, and what they are called there.
 */
#ifndef COMMON_MIGRATION_PROJECT_FOLDERS_H
#define COMMON_MIGRATION_PROJECT_FOLDERS_H

#include "common/io/config.h"
#include "common/migration/project.h"

/*
 * `migrations: [db/a, db/b]`, the list in it. False with E-CFG-RANGE: one lies in another, or
 * cannot be compared because it is not written plainly.
 */
bool project_read_folders(struct project *project, const struct config_node *service,
                          const struct config_node *list, struct project_service *out,
                          struct error *error);

#endif
