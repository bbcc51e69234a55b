#include "coordinator/cli/database.h"

#include <libpq-fe.h>
#include <string.h>

#include "common/base/text.h"

static bool
has_secret(const PQconninfoOption *options)
{
    for (; options->keyword; options++) {
        bool is_secret =
            text_equal(options->keyword, "password") || text_equal(options->keyword, "sslpassword");
        if (is_secret && options->val) {
            return true;
        }
    }
    return false;
}

/* Refuse what libpq would not take, and a secret that is hidden better than in plain words. */
bool
database_check(const char *conninfo, struct error *error)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);

    if (!options) {
        error_set(error, "E-CLI-RANGE", "--database is no connection string of libpq");
        error_where(error, "--database");
        error_found(error, "%.*s", (int)strcspn(message ? message : "", "\n"), message);
        PQfreemem(message);
        return error_hint(error, "\"dbname=auth\", \"service=auth\", postgresql://host/auth");
    }
    bool is_secret = has_secret(options);
    PQconninfoFree(options);
    if (is_secret) {
        error_set(error, "E-SECRET-ARGV", "there is a password in --database; it was not used");
        return error_hint(error, "use a peer socket, a passfile (~/.pgpass), or a service file");
    }
    return true;
}
