/* A YAML file; when it is taken, everything in it is asked for in every way there is. */
#include "common/base/mem.h"
#include "common/io/config.h"

#include "tests/fuzz/fuzz.h"

static void
ask_pair(const struct config_node *map, const char *key)
{
    const struct config_node *child;
    const char *text;
    int64_t number;
    bool is_set;
    struct error error;

    (void)config_text(map, key, CONFIG_REQUIRED, &text, &error);
    (void)config_number(map, key, 0, -5, 5, &number, &error);
    (void)config_duration_ms(map, key, 0, 0, 5000, &number, &error);
    (void)config_bool(map, key, false, &is_set, &error);
    (void)config_list(map, key, &child, &error);
    (void)config_map(map, key, &child, &error);
}

/* As deep as the reader allows. */
static void
ask(const struct config_node *node)
{
    const struct config_node *value;
    const char *key;

    for (size_t i = 0; i < config_count(node) && i < 50; i++) {
        value = config_item(node, i);
        if (config_pair(node, i, &key, &value)) {
            ask_pair(node, key);
        }
        MUST(value);
        ask(value);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(config_destroy) struct config *config = NULL;
    struct error error;

    if (!config_parse("fuzz.yaml", (const char *)data, size, &config, &error)) {
        MUST(!config && error.code[0] && error.text[0] && error.where[0]);
        return 0;
    }
    (void)config_finish(config, &error);
    ask(config_root(config));
    (void)config_finish(config, &error);
    return 0;
}
