/* Which of our kinds an object type of PostgreSQL's grammar is. */
#include <string.h>

#include "common/sql/reading.h"

enum sql_object
object_of_type(PgQuery__ObjectType type)
{
    switch (type) {
    case TYPE(TABLE):
        return OBJECT_TABLE;
    case TYPE(FOREIGN_TABLE):
        return OBJECT_FOREIGN_TABLE;
    case TYPE(VIEW):
        return OBJECT_VIEW;
    case TYPE(MATVIEW):
        return OBJECT_MATERIALIZED_VIEW;
    case TYPE(SEQUENCE):
        return OBJECT_SEQUENCE;
    case TYPE(INDEX):
        return OBJECT_INDEX;
    case TYPE(COLUMN):
        return OBJECT_COLUMN;
    case TYPE(TABCONSTRAINT):
        return OBJECT_CONSTRAINT;
    case TYPE(TRIGGER):
        return OBJECT_TRIGGER;
    case TYPE(RULE):
        return OBJECT_RULE;
    case TYPE(POLICY):
        return OBJECT_POLICY;
    case TYPE(STATISTIC_EXT):
        return OBJECT_STATISTICS;
    case TYPE(DOMAIN):
        return OBJECT_DOMAIN;
    case TYPE(DOMCONSTRAINT):
        return OBJECT_DOMAIN_CONSTRAINT;
    case TYPE(TYPE):
        return OBJECT_TYPE;
    case TYPE(ATTRIBUTE):
        return OBJECT_ATTRIBUTE;
    case TYPE(FUNCTION):
    case TYPE(PROCEDURE):
    case TYPE(ROUTINE):
    case TYPE(AGGREGATE):
        return OBJECT_FUNCTION;
    case TYPE(OPERATOR):
    case TYPE(OPCLASS):
    case TYPE(OPFAMILY):
        return OBJECT_OPERATOR;
    case TYPE(CAST):
        return OBJECT_CAST;
    case TYPE(COLLATION):
        return OBJECT_COLLATION;
    case TYPE(TSCONFIGURATION):
    case TYPE(TSDICTIONARY):
    case TYPE(TSPARSER):
    case TYPE(TSTEMPLATE):
        return OBJECT_TEXT_SEARCH;
    case TYPE(EVENT_TRIGGER):
        return OBJECT_EVENT_TRIGGER;
    case TYPE(SCHEMA):
        return OBJECT_SCHEMA;
    case TYPE(EXTENSION):
        return OBJECT_EXTENSION;
    case TYPE(LANGUAGE):
        return OBJECT_LANGUAGE;
    case TYPE(ROLE):
        return OBJECT_ROLE;
    case TYPE(PUBLICATION):
        return OBJECT_PUBLICATION;
    case TYPE(SUBSCRIPTION):
        return OBJECT_SUBSCRIPTION;
    case TYPE(FDW):
    case TYPE(FOREIGN_SERVER):
    case TYPE(USER_MAPPING):
        return OBJECT_FOREIGN_SERVER;
    case TYPE(DATABASE):
        return OBJECT_DATABASE;
    case TYPE(TABLESPACE):
        return OBJECT_TABLESPACE;
    default:
        return OBJECT_OTHER;
    }
}

bool
object_is_relation(enum sql_object object)
{
    return object <= OBJECT_RELATION;
}

bool
object_is_part(enum sql_object object)
{
    return object >= OBJECT_COLUMN && object <= OBJECT_POLICY;
}
