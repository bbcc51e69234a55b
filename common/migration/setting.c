#include "common/migration/setting.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/text.h"

#define TIMEOUT_MAX_MS ((double)30 * 24 * 3600 * 1000)

static const char role_is_ours[] = "the role of migrations belongs to the target's configuration";
static const char commit_is_ours[] = "a commit that is reported must be durable";
static const char transaction_is_ours[] = "the transaction is the step's, and has begun already";
static const char session_is_ours[] = "a lost session is found and ended by it";
static const char text_is_ours[] = "files are read, and sent, as UTF-8 with standard strings";

/* `allowed` is the one value that changes nothing. */
static const struct {
    const char *name, *allowed, *why;
} rules[] = {
    {"role", NULL, role_is_ours},
    {"session_authorization", NULL, role_is_ours},
    {"session_replication_role", NULL, "it switches triggers and foreign keys off"},
    {"synchronous_commit", "on", commit_is_ours},
    {"transaction_isolation", NULL, transaction_is_ours},
    {"transaction_read_only", NULL, transaction_is_ours},
    {"transaction_deferrable", NULL, transaction_is_ours},
    {"default_transaction_isolation", NULL, transaction_is_ours},
    {"default_transaction_read_only", NULL, transaction_is_ours},
    {"default_transaction_deferrable", NULL, transaction_is_ours},
    {"transaction_timeout", NULL, transaction_is_ours},
    {"application_name", NULL, session_is_ours},
    {"client_connection_check_interval", NULL, session_is_ours},
    {"tcp_keepalives_idle", NULL, session_is_ours},
    {"tcp_keepalives_interval", NULL, session_is_ours},
    {"tcp_keepalives_count", NULL, session_is_ours},
    {"tcp_user_timeout", NULL, session_is_ours},
    {"standard_conforming_strings", "on", text_is_ours},
    {"client_encoding", "utf8", text_is_ours},
};

bool
setting_is_timeout(const struct sql_setting *setting)
{
    return !setting->is_call && (text_equal(setting->name, "lock_timeout") ||
                                 text_equal(setting->name, "statement_timeout"));
}

/* Values are compared as PostgreSQL does: 'UTF-8' is utf8, and true is on. */
static bool
is_value(const char *value, const char *wanted)
{
    size_t at = 0;

    if (!value) {
        return false;
    }
    if (strcmp(wanted, "on") == 0 && (strcasecmp(value, "true") == 0 ||
                                      strcasecmp(value, "yes") == 0 || strcmp(value, "1") == 0)) {
        return true;
    }
    for (; *value; value++) {
        if (*value == '-' || *value == '_') {
            continue;
        }
        if (tolower((unsigned char)*value) != wanted[at]) {
            return false;
        }
        at++;
    }
    return !wanted[at];
}

/* Whether a list of schemas holds our own. */
static bool
holds_own_schema(const char *value)
{
    for (const char *at = value; at && (at = strstr(at, SQL_OWN_SCHEMA)) != NULL; at++) {
        const char *end = at + strlen(SQL_OWN_SCHEMA);
        bool is_begin = at == value || strchr(", \"", at[-1]);
        if (is_begin && (!*end || strchr(", \"", *end))) {
            return true;
        }
    }
    return false;
}

const char *
setting_objection(const struct sql_setting *setting)
{
    if (!setting->name[0]) {
        return "which setting it changes is not written out";
    }
    if (text_equal(setting->name, "search_path") && holds_own_schema(setting->value)) {
        return "the schema " SQL_OWN_SCHEMA " is our own";
    }
    if (setting->is_call && (text_equal(setting->name, "lock_timeout") ||
                             text_equal(setting->name, "statement_timeout"))) {
        return "time-outs are kept by us; SET, or an annotation, says them";
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (text_equal(rules[i].name, setting->name)) {
            bool is_harmless = rules[i].allowed && is_value(setting->value, rules[i].allowed);
            return is_harmless ? NULL : rules[i].why;
        }
    }
    return NULL;
}

uint64_t
setting_milliseconds(const char *value)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"", 1},        {"ms", 1},      {"us", 0.001},  {"s", 1000},
                 {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end = NULL;

    if (!value) {
        return 0;
    }
    double number = strtod(value, &end);
    while (*end == ' ') {
        end++;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        double ms = number * units[i].ms;
        if (strcmp(end, units[i].name) == 0 && ms >= 1 && ms <= TIMEOUT_MAX_MS) {
            return (uint64_t)ms;
        }
    }
    return 0;
}
