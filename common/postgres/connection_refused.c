#include "common/postgres/connection_refused.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/text.h"
#include "common/postgres/connection.h"

/* What a server says before anybody is let in; the longest prefix comes first. */
static const struct {
    const char *sqlstate, *code, *hint;
} answers[] = {
    {"28", "E-DB-AUTH", "check the role, pg_hba.conf and the passfile"},
    {"3D000", "E-DB-WRONG", "check the database's name in the conninfo"},
    {"42501", "E-DB-PRIV", NULL},
    {"08P01", "E-DB-POOLER", "connect to the server itself: its socket or port, not the pooler's"},
    {"53300", "E-DB-CONNECTIONS", "raise max_connections, or let fewer clients in"},
    {"57P", "E-DB-RESTART", "wait: the server is starting up or shutting down"},
};

/* Before a connection stands libpq has the SQLSTATE in the verbose text only: "FATAL:  28000: …".
 */
static bool
find_sqlstate(const char *message, char sqlstate[6], const char **text)
{
    for (const char *colon = strchr(message, ':'); colon; colon = strchr(colon + 1, ':')) {
        const char *code = colon + 1 + strspn(colon + 1, " ");
        size_t size = strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        bool has_digit = strcspn(code, "0123456789") < 5; /* which "FATAL" has not */
        if (size == 5 && has_digit && code[5] == ':' && code[6] == ' ') {
            memcpy(sqlstate, code, 5);
            sqlstate[5] = '\0';
            *text = code + 7;
            return true;
        }
    }
    return false;
}

/* The first line, which has the reason; the others say where in PostgreSQL's sources. */
static int
line_size(const char *text)
{
    return (int)strcspn(text, "\n");
}

static bool
refused_by_server(PGconn *pg, const char *sqlstate, const char *text, struct error *error)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (!text_starts_with(sqlstate, answers[i].sqlstate)) {
            continue;
        }
        error_set(error, answers[i].code, "%.*s (%s)", line_size(text), text, sqlstate);
        if (answers[i].hint) {
            error_hint(error, "%s", answers[i].hint);
        } else {
            error_hint(error, "GRANT CONNECT ON DATABASE \"%s\" TO \"%s\"", PQdb(pg), PQuser(pg));
        }
        return false;
    }
    return error_set(error, "E-DB-UNREACHABLE", "%.*s (%s)", line_size(text), text, sqlstate);
}

/* libpq passes over a passfile that others may read, with no more than a line on stderr. */
static bool
has_open_passfile(PGconn *pg, char *path, size_t size, unsigned *mode)
{
    bool is_open = false;
    struct stat info;
    PQconninfoOption *options = PQconninfo(pg);

    for (PQconninfoOption *option = options; option && option->keyword; option++) {
        if (text_equal(option->keyword, "passfile") && option->val &&
            stat(option->val, &info) == 0 && info.st_mode & (S_IRWXG | S_IRWXO)) {
            snprintf(path, size, "%s", option->val);
            *mode = info.st_mode & 07777;
            is_open = true;
        }
    }
    PQconninfoFree(options);
    return is_open;
}

static bool
refused_for_password(PGconn *pg, struct error *error)
{
    char path[256];
    unsigned mode;

    if (has_open_passfile(pg, path, sizeof path, &mode)) {
        error_set(error, "E-DB-PASSFILE", "the passfile is not used: others may read it");
        error_found(error, "%s has mode %04o, wanted 0600", path, mode);
        return error_hint(error, "chmod 0600 %s", path);
    }
    error_set(error, "E-DB-AUTH", "the server wants a password and the passfile has none");
    return error_hint(error, "add host:port:database:role:password to the passfile (mode 0600)");
}

bool
connection_refused(PGconn *pg, struct error *error)
{
    const char *message = PQerrorMessage(pg), *text;
    char sqlstate[6];

    if (find_sqlstate(message, sqlstate, &text)) {
        return refused_by_server(pg, sqlstate, text, error);
    }
    if (strstr(message, "no password supplied")) {
        return refused_for_password(pg, error);
    }
    if (strstr(message, "SSL") || strstr(message, "certificate")) {
        error_set(error, "E-DB-TLS", "%.*s", line_size(message), message);
        return error_hint(error,
                          "check sslmode and sslrootcert in the conninfo, and the host's name"
                          " in the server's certificate");
    }
    error_set(error, "E-DB-UNREACHABLE", "%.*s", line_size(message), message);
    return error_hint(error, "is the server running, and does it listen there?");
}

const char *
connection_place_of(const PGconn *pg, char *out, size_t size)
{
    const char *parts[] = {PQuser(pg), PQhost(pg), PQport(pg), PQdb(pg)};

    for (size_t i = 0; i < 4; i++) {
        if (!parts[i]) {
            parts[i] = "";
        }
    }
    snprintf(out, size, "%s@%s:%s/%s", parts[0], parts[1], parts[2], parts[3]);
    text_mend_utf8(out);
    return out;
}

/* ---- conninfo ------------------------------------------------------------------------------ */

static bool
refuse_secret(struct error *error)
{
    error_set(error, "E-SECRET-ARGV", "a connection string must not hold a password");
    return error_hint(error, "use a passfile (mode 0600), a service file or peer authentication");
}

/* What libpq cannot read may hold a secret all the same: better the wrong word than its value. */
static bool
looks_secret(const char *conninfo)
{
    const char *scheme = strstr(conninfo, "://");

    return strcasestr(conninfo, "password") ||
           (scheme && strchr(scheme, '@') && strchr(scheme + 3, ':') < strchr(scheme, '@') &&
            strchr(scheme + 3, ':'));
}

bool
connection_check_conninfo(const char *conninfo, struct error *error)
{
    bool holds_secret = false;
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);

    if (!options) {
        if (looks_secret(conninfo)) {
            return refuse_secret(error);
        }
        error_set(error, "E-DB-CONNINFO", "the connection string cannot be read");
        return error_hint(error, "key=value pairs, or postgresql://role@host:port/database");
    }
    for (PQconninfoOption *option = options; option->keyword; option++) {
        holds_secret =
            holds_secret || (option->val && *option->val && strstr(option->keyword, "password"));
    }
    PQconninfoFree(options);
    return !holds_secret || refuse_secret(error);
}
