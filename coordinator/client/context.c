#include "coordinator/client/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/config.h"

char *
context_folder(void)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (base && *base == '/') {
        return mem_format("%s/skein", base);
    }
    return home && *home ? mem_format("%s/.config/skein", home) : NULL;
}

/* Which file; the caller frees it. */
static char *
file_path(void)
{
    const char *named = getenv("SKEIN_CONTEXTS");
    CLEANUP(mem_free) char *folder = context_folder();

    if (named && *named) {
        return mem_text(named);
    }
    return folder ? mem_format("%s/contexts.yaml", folder) : NULL;
}

static bool
open_file(const char *path, struct config **config_p, struct error *error)
{
    if (!path) {
        error_set(error, "E-CFG-OPEN",
                  "no coordinator is known: there is no home folder to look in");
        return error_hint(error, "set SKEIN_CONTEXTS to the path of a contexts.yaml");
    }
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        error_set(error, "E-CFG-OPEN", "no coordinator is known: there is no contexts.yaml");
        error_where(error, "%s", path);
        return error_hint(
            error, "write the coordinator's endpoint, its public key and the path "
                   "of your key into it (man skein: WHICH COORDINATOR), or set SKEIN_CONTEXTS");
    }
    return config_open(path, true, config_p, error);
}

/* A path in the file: "~/" is the home, anything else relative to the file's folder. */
static char *
resolve(const char *file, const char *path)
{
    const char *home = getenv("HOME");
    const char *slash = strrchr(file, '/');

    if (text_starts_with(path, "~/") && home) {
        return mem_format("%s%s", home, path + 1);
    }
    if (path[0] == '/' || !slash) {
        return mem_text(path);
    }
    return mem_format("%.*s/%s", (int)(slash - file), file, path);
}

static bool
is_hex_key(const char *text)
{
    return strlen(text) == KEYS_HEX_SIZE - 1 && strspn(text, "0123456789abcdefABCDEF") == 64;
}

static bool
read_entry(const char *file, const char *name, const struct config_node *entry,
           struct context *context, struct error *error)
{
    const char *endpoint, *server, *key;

    if (!config_text(entry, "endpoint", CONFIG_REQUIRED, &endpoint, error) ||
        !config_text(entry, "server", CONFIG_REQUIRED, &server, error) ||
        !config_text(entry, "key", CONFIG_REQUIRED, &key, error)) {
        return false;
    }
    if (!text_starts_with(endpoint, "tcp://") && !text_starts_with(endpoint, "ipc://")) {
        error_set(error, "E-CFG-RANGE", "the endpoint of context '%s' is none", name);
        config_where(entry, error);
        return error_found(error, "'%.80s'; allowed: tcp://HOST:PORT", endpoint);
    }
    CLEANUP(mem_free) char *server_path = is_hex_key(server) ? NULL : resolve(file, server);
    CLEANUP(mem_free) char *key_path = resolve(file, key);
    if (!keys_read_public(server_path ? server_path : server, context->server_key, error) ||
        !keys_load(key_path, &context->pair, error)) {
        return error_prefix(error, "context '%s'", name);
    }
    context->name = mem_text(name);
    context->endpoint = mem_text(endpoint);
    return true;
}

static bool
unknown_context(const struct config_node *contexts, const char *name, const char *file,
                struct error *error)
{
    CLEANUP(text_release) struct text names = {0};
    const char *key;
    const struct config_node *value;

    for (size_t i = 0; i < config_count(contexts); i++) {
        if (config_pair(contexts, i, &key, &value)) {
            text_format(&names, "%s%s", i ? ", " : "", key);
        }
    }
    error_set(error, "E-CFG-MISSING", "there is no context '%.64s'", name);
    error_where(error, "%s", file);
    return error_found(error, "contexts: %s", names.size ? text_of(&names) : "none");
}

/* Every entry is read, so that a mistake in any of them is found; one is kept. */
static bool
read_contexts(const char *file, const struct config_node *contexts, const char *name,
              struct context *context, struct error *error)
{
    const struct config_node *entry = NULL;
    const char *key, *ignored;
    const struct config_node *value;

    for (size_t i = 0; i < config_count(contexts); i++) {
        if (!config_pair(contexts, i, &key, &value)) {
            continue;
        }
        if (text_equal(key, name)) {
            entry = value;
        }
        if (!config_text(value, "endpoint", CONFIG_REQUIRED, &ignored, error) ||
            !config_text(value, "server", CONFIG_REQUIRED, &ignored, error) ||
            !config_text(value, "key", CONFIG_REQUIRED, &ignored, error)) {
            return false;
        }
    }
    return entry ? read_entry(file, name, entry, context, error)
                 : unknown_context(contexts, name, file, error);
}

static bool
read_file(const char *file, const struct config *config, const char *wish, struct context *context,
          struct error *error)
{
    const struct config_node *root = config_root(config), *contexts = NULL;
    const char *current, *environment = getenv("SKEIN_CONTEXT");

    if (!config_text(root, "current", NULL, &current, error) ||
        !config_map(root, "contexts", &contexts, error)) {
        return false;
    }
    if (!contexts) {
        error_set(error, "E-CFG-MISSING", "key 'contexts' is missing");
        return error_where(error, "%s", file);
    }
    const char *name = wish ? wish : environment && *environment ? environment : current;
    if (!name && config_count(contexts) != 1) {
        error_set(error, "E-CFG-MISSING", "it is not said which coordinator is meant");
        error_where(error, "%s", file);
        return error_hint(error, "add 'current: NAME', or use --context NAME");
    }
    if (!name) {
        const struct config_node *value;
        config_pair(contexts, 0, &name, &value);
    }
    return read_contexts(file, contexts, name, context, error) && config_finish(config, error);
}

bool
context_load(const char *wish, struct context *context, struct error *error)
{
    CLEANUP(mem_free) char *file = file_path();
    CLEANUP(config_destroy) struct config *config = NULL;

    *context = (struct context){0};
    if (!open_file(file, &config, error)) {
        return false;
    }
    if (!read_file(file, config, wish, context, error)) {
        context_release(context);
        return false;
    }
    return true;
}

void
context_release(struct context *context)
{
    free(context->name);
    free(context->endpoint);
    keys_wipe(&context->pair);
    *context = (struct context){0};
}
