/* What locks, objects and verbs are called, and which locks wait for which. */
#include <assert.h>

#include "common/sql/effect.h"

static const char *const modes[LOCK_MODE_COUNT] = {
    [LOCK_NONE] = "none",
    [LOCK_ACCESS_SHARE] = "ACCESS SHARE",
    [LOCK_ROW_SHARE] = "ROW SHARE",
    [LOCK_ROW_EXCLUSIVE] = "ROW EXCLUSIVE",
    [LOCK_SHARE_UPDATE_EXCLUSIVE] = "SHARE UPDATE EXCLUSIVE",
    [LOCK_SHARE] = "SHARE",
    [LOCK_SHARE_ROW_EXCLUSIVE] = "SHARE ROW EXCLUSIVE",
    [LOCK_EXCLUSIVE] = "EXCLUSIVE",
    [LOCK_ACCESS_EXCLUSIVE] = "ACCESS EXCLUSIVE",
};

static const char *const objects[OBJECT_COUNT] = {
    [OBJECT_TABLE] = "table",
    [OBJECT_FOREIGN_TABLE] = "foreign table",
    [OBJECT_VIEW] = "view",
    [OBJECT_MATERIALIZED_VIEW] = "materialized view",
    [OBJECT_SEQUENCE] = "sequence",
    [OBJECT_RELATION] = "relation",
    [OBJECT_INDEX] = "index",
    [OBJECT_COLUMN] = "column",
    [OBJECT_CONSTRAINT] = "constraint",
    [OBJECT_TRIGGER] = "trigger",
    [OBJECT_RULE] = "rule",
    [OBJECT_POLICY] = "policy",
    [OBJECT_PARTITION] = "partition",
    [OBJECT_INHERITANCE] = "inheritance",
    [OBJECT_STATISTICS] = "statistics",
    [OBJECT_ENUM] = "enum",
    [OBJECT_ENUM_VALUE] = "enum value",
    [OBJECT_DOMAIN] = "domain",
    [OBJECT_DOMAIN_CONSTRAINT] = "domain constraint",
    [OBJECT_TYPE] = "type",
    [OBJECT_ATTRIBUTE] = "attribute",
    [OBJECT_FUNCTION] = "function",
    [OBJECT_OPERATOR] = "operator",
    [OBJECT_CAST] = "cast",
    [OBJECT_COLLATION] = "collation",
    [OBJECT_TEXT_SEARCH] = "text search object",
    [OBJECT_EVENT_TRIGGER] = "event trigger",
    [OBJECT_SCHEMA] = "schema",
    [OBJECT_EXTENSION] = "extension",
    [OBJECT_LANGUAGE] = "language",
    [OBJECT_ROLE] = "role",
    [OBJECT_PUBLICATION] = "publication",
    [OBJECT_SUBSCRIPTION] = "subscription",
    [OBJECT_FOREIGN_SERVER] = "foreign server",
    [OBJECT_DATABASE] = "database",
    [OBJECT_TABLESPACE] = "tablespace",
    [OBJECT_DEFAULT_PRIVILEGES] = "default privileges",
    [OBJECT_SETTING] = "setting",
    [OBJECT_CODE] = "code",
    [OBJECT_OTHER] = "other object",
};

static const char *const verbs[EFFECT_VERB_COUNT] = {
    [EFFECT_CREATE] = "created",
    [EFFECT_REPLACE] = "replaced",
    [EFFECT_DROP] = "dropped",
    [EFFECT_RENAME] = "renamed",
    [EFFECT_MOVE] = "moved to another schema",
    [EFFECT_ALTER] = "altered",
    [EFFECT_READ] = "read",
    [EFFECT_INSERT] = "inserted into",
    [EFFECT_UPDATE] = "updated",
    [EFFECT_DELETE] = "deleted from",
    [EFFECT_TRUNCATE] = "truncated",
    [EFFECT_LOCK] = "locked",
    [EFFECT_CALL] = "called",
    [EFFECT_SET_TYPE] = "given another type",
    [EFFECT_SET_DEFAULT] = "given a default",
    [EFFECT_DROP_DEFAULT] = "relieved of its default",
    [EFFECT_SET_NOT_NULL] = "made NOT NULL",
    [EFFECT_DROP_NOT_NULL] = "relieved of NOT NULL",
    [EFFECT_SET_IDENTITY] = "made an identity",
    [EFFECT_DROP_IDENTITY] = "relieved of its identity",
    [EFFECT_SET_EXPRESSION] = "given another expression",
    [EFFECT_SET_STATISTICS] = "given another statistics target",
    [EFFECT_SET_STORAGE] = "given another storage",
    [EFFECT_VALIDATE] = "validated",
    [EFFECT_ATTACH] = "attached",
    [EFFECT_DETACH] = "detached",
    [EFFECT_ENABLE] = "enabled",
    [EFFECT_DISABLE] = "disabled",
    [EFFECT_SET_OPTIONS] = "given other options",
    [EFFECT_SET_TABLESPACE] = "moved to another tablespace",
    [EFFECT_SET_LOGGED] = "made logged",
    [EFFECT_SET_UNLOGGED] = "made unlogged",
    [EFFECT_SET_ACCESS_METHOD] = "given another access method",
    [EFFECT_SET_REPLICA_IDENTITY] = "given another replica identity",
    [EFFECT_SET_OWNER] = "given another owner",
    [EFFECT_COMMENT] = "commented",
    [EFFECT_GRANT] = "granted",
    [EFFECT_REVOKE] = "revoked",
    [EFFECT_REFRESH] = "refreshed",
    [EFFECT_REINDEX] = "reindexed",
    [EFFECT_CLUSTER] = "clustered",
    [EFFECT_VACUUM] = "vacuumed",
    [EFFECT_ANALYZE] = "analyzed",
};

const char *
lock_mode_name(enum lock_mode mode)
{
    assert(mode < LOCK_MODE_COUNT);
    return modes[mode];
}

const char *
sql_object_name(enum sql_object object)
{
    assert(object < OBJECT_COUNT);
    return objects[object];
}

const char *
effect_verb_name(enum effect_verb verb)
{
    assert(verb < EFFECT_VERB_COUNT);
    return verbs[verb];
}

#define BIT(mode) (1U << LOCK_##mode)

bool
lock_mode_conflicts(enum lock_mode one, enum lock_mode other)
{
    static const unsigned conflicts[LOCK_MODE_COUNT] = {
        [LOCK_ACCESS_SHARE] = BIT(ACCESS_EXCLUSIVE),
        [LOCK_ROW_SHARE] = BIT(EXCLUSIVE) | BIT(ACCESS_EXCLUSIVE),
        [LOCK_ROW_EXCLUSIVE] =
            BIT(SHARE) | BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) | BIT(ACCESS_EXCLUSIVE),
        [LOCK_SHARE_UPDATE_EXCLUSIVE] = BIT(SHARE_UPDATE_EXCLUSIVE) | BIT(SHARE) |
                                        BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) |
                                        BIT(ACCESS_EXCLUSIVE),
        [LOCK_SHARE] = BIT(ROW_EXCLUSIVE) | BIT(SHARE_UPDATE_EXCLUSIVE) | BIT(SHARE_ROW_EXCLUSIVE) |
                       BIT(EXCLUSIVE) | BIT(ACCESS_EXCLUSIVE),
        [LOCK_SHARE_ROW_EXCLUSIVE] = BIT(ROW_EXCLUSIVE) | BIT(SHARE_UPDATE_EXCLUSIVE) | BIT(SHARE) |
                                     BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) |
                                     BIT(ACCESS_EXCLUSIVE),
        [LOCK_EXCLUSIVE] = BIT(ROW_SHARE) | BIT(ROW_EXCLUSIVE) | BIT(SHARE_UPDATE_EXCLUSIVE) |
                           BIT(SHARE) | BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) |
                           BIT(ACCESS_EXCLUSIVE),
        [LOCK_ACCESS_EXCLUSIVE] = BIT(ACCESS_SHARE) | BIT(ROW_SHARE) | BIT(ROW_EXCLUSIVE) |
                                  BIT(SHARE_UPDATE_EXCLUSIVE) | BIT(SHARE) |
                                  BIT(SHARE_ROW_EXCLUSIVE) | BIT(EXCLUSIVE) | BIT(ACCESS_EXCLUSIVE),
    };

    assert(one < LOCK_MODE_COUNT && other < LOCK_MODE_COUNT);
    return (conflicts[one] & 1U << other) != 0;
}

bool
lock_mode_blocks_reads(enum lock_mode mode)
{
    return lock_mode_conflicts(mode, LOCK_ACCESS_SHARE);
}

bool
lock_mode_blocks_writes(enum lock_mode mode)
{
    return lock_mode_conflicts(mode, LOCK_ROW_EXCLUSIVE);
}
