/* keys new, keys show. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/io/keys.h"
#include "coordinator/cli/commands/commands.h"
#include "coordinator/cli/show.h"
#include "coordinator/client/context.h"

static bool
make_one_folder(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return true;
    }
    error_set(error, "E-KEY-OPEN", "the folder cannot be made: %s", strerror(errno));
    return error_where(error, "%s", path);
}

/* The user's own folder is made when it is not there; one that is named must exist. */
static bool
make_own_folder(const char *folder, struct error *error)
{
    CLEANUP(mem_free) char *parent = mem_text(folder);
    char *slash = strrchr(parent, '/');

    *slash = '\0';
    return make_one_folder(parent, error) && make_one_folder(folder, error);
}

static bool
check_plain_name(const char *name, struct error *error)
{
    if (!strchr(name, '/')) {
        return true;
    }
    error_set(error, "E-NAME-SYNTAX", "a key's name is no path: '%.64s'", name);
    return error_hint(error, "say the folder with --dir");
}

static void
tell(const struct call *call, const uint8_t public_key[KEYS_SIZE], const char *base,
     const char *label)
{
    char hex[KEYS_HEX_SIZE];

    text_hex(public_key, KEYS_SIZE, hex);
    if (call_wants_json(call)) {
        json_t *object = json_pack("{s:s}", "public", hex);
        if (base) {
            CLEANUP(mem_free) char *secret_path = mem_format("%s.key", base);
            CLEANUP(mem_free) char *public_path = mem_format("%s.pub", base);
            json_object_set_new(object, "secret_file", show_json_text(secret_path));
            json_object_set_new(object, "public_file", show_json_text(public_path));
        }
        show_json(&call->terminal, object);
        return;
    }
    if (base) {
        printf("%s.key  the secret: it stays here\n%s.pub  the public key: give it away\n", base,
               base);
    }
    printf("%s%s\n", label, hex);
}

bool
command_keys_new(struct call *call, struct error *error)
{
    const char *name = call_argument(call, 0), *dir = call_text(call, "dir");
    CLEANUP(mem_free) char *own = dir ? NULL : context_folder();
    struct key_pair pair;

    if (!check_plain_name(name, error)) {
        return false;
    }
    if (!dir && !own) {
        error_set(error, "E-KEY-OPEN", "there is no home folder to keep keys in");
        return error_hint(error, "say where to with --dir");
    }
    if (!dir && !make_own_folder(own, error)) {
        return false;
    }
    CLEANUP(mem_free) char *base = mem_format("%s/%s", dir ? dir : own, name);
    keys_generate(&pair);
    bool is_saved = keys_save(&pair, base, error);
    if (is_saved) {
        tell(call, pair.public_key, base, "public: ");
    }
    keys_wipe(&pair);
    return is_saved;
}

bool
command_keys_show(struct call *call, struct error *error)
{
    const char *path = call_argument(call, 0);
    struct key_pair pair = {0};

    bool is_read = text_ends_with(path, ".pub") ? keys_read_public(path, pair.public_key, error)
                                                : keys_load(path, &pair, error);
    if (is_read) {
        tell(call, pair.public_key, NULL, "");
    }
    keys_wipe(&pair);
    return is_read;
}
