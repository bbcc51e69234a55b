#include "coordinator/cli/words.h"

#include <string.h>
#include <strings.h>

#include "common/base/text.h"

#define WORD_MAX 4096 /* bytes of one word */

/* "postgresql://user:password@host": userinfo with a colon in it. */
static bool
has_userinfo_secret(const char *word)
{
    for (const char *at = strstr(word, "://"); at; at = strstr(at, "://")) {
        at += 3;
        size_t authority = strcspn(at, "/?#");
        const char *end = memrchr(at, '@', authority);
        if (end && memchr(at, ':', (size_t)(end - at))) {
            return true;
        }
    }
    return false;
}

/* "password=…" of a conninfo or of a URI's query, in any case, not as a part of another word. */
static bool
has_conninfo_secret(const char *word)
{
    static const char *const keys[] = {"password", "sslpassword"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *at = word;
        while ((at = strcasestr(at, keys[i]))) {
            bool begins = at == word || strchr(" \t\n?&'\"", at[-1]);
            at += strlen(keys[i]);
            if (begins && at[strspn(at, " \t")] == '=') {
                return true;
            }
        }
    }
    return false;
}

static bool
is_secret_option(const char *name)
{
    static const char *const names[] = {"password", "passwd",      "pass",      "pwd",
                                        "secret",   "secret-key",  "token",     "pgpassword",
                                        "api-key",  "private-key", "passphrase"};
    size_t size = strcspn(name, "=");

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == size && strncasecmp(name, names[i], size) == 0) {
            return true;
        }
    }
    return false;
}

bool
words_hold_no_secret(int word_count, char **words, struct error *error)
{
    for (int i = 1; i < word_count; i++) {
        bool by_option = text_starts_with(words[i], "--") && is_secret_option(words[i] + 2);
        if (!by_option && !has_userinfo_secret(words[i]) && !has_conninfo_secret(words[i])) {
            continue;
        }
        error_set(error, "E-SECRET-ARGV",
                  "a secret on the command line can be read by everyone "
                  "on this host; it was not used");
        error_where(error, "argument %d", i);
        return error_hint(error, "use libpq's own means: a peer socket, a passfile (~/.pgpass), "
                                 "or a service file; and change the secret");
    }
    return true;
}

static bool
is_printable(const char *word)
{
    if (!text_is_utf8(word, strlen(word))) {
        return false;
    }
    for (; *word; word++) {
        if ((unsigned char)*word < 0x20 || *word == 0x7f) {
            return false;
        }
    }
    return true;
}

bool
words_are_printable(int word_count, char **words, struct error *error)
{
    for (int i = 1; i < word_count; i++) {
        if (!is_printable(words[i]) || strlen(words[i]) > WORD_MAX) {
            char shown[TEXT_SHOWN_SIZE];
            error_set(error, "E-NAME-SYNTAX", "argument %d is not printable UTF-8 text", i);
            error_found(error, "%s", text_shown(words[i], shown));
            return error_hint(error, "names are %s", WORDS_NAME_PATTERN);
        }
    }
    return true;
}
