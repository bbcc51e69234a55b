#include "agent/shell/cache.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <utime.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "tests/support/bundle_builder.h"
#include "tests/support/folder.h"

#define ROOM ((uint64_t)64 << 20)

/* A bundle with about so many bytes; `seed` tells it from others. */
static struct bundle *
make_bundle(char seed, size_t size)
{
    static const char select[] = "SELECT 1 , '";
    CLEANUP(mem_free) char *up = mem_zalloc(size + 16);
    struct sketch sketch = {.version = "1", .up = up};

    memset(up, seed, size);
    memcpy(up, select, strlen(select));
    up[size] = '\'';
    return bundle_of(&sketch, 1);
}

static const char *
file_of(const struct folder *folder, const struct digest *digest, const char *suffix)
{
    char hex[2 * DIGEST_SIZE + 1], name[2 * DIGEST_SIZE + 16];

    text_hex(digest->bytes, DIGEST_SIZE, hex);
    snprintf(name, sizeof name, "%s%s", hex, suffix);
    return folder_path(folder, name);
}

static struct agent_cache *
open_cache(const struct folder *folder, uint64_t size_max)
{
    struct agent_cache *cache;
    struct error error;

    assert_true(agent_cache_open(folder->path, size_max, &cache, &error));
    return cache;
}

static enum bundle_state
look_up(struct agent_cache *cache, const struct bundle *bundle, uint64_t *offset)
{
    struct error error;

    return agent_cache_look_up(cache, &bundle->digest, offset, &error);
}

/* Give it the piece at an offset; what it then says. */
static enum bundle_state
keep(struct agent_cache *cache, const struct bundle *bundle, uint64_t offset, size_t size,
     uint64_t *next, struct error *error)
{
    size = size < bundle->bytes.size - offset ? size : bundle->bytes.size - offset;
    struct chunk chunk = {.digest = bundle->digest,
                          .offset = offset,
                          .total = bundle->bytes.size,
                          .bytes = {(const char *)bundle->bytes.data + offset, size}};

    return agent_cache_keep(cache, &chunk, next, error);
}

/* Give it everything from there on, in pieces. */
static enum bundle_state
keep_all(struct agent_cache *cache, const struct bundle *bundle, uint64_t offset, size_t piece,
         struct error *error)
{
    enum bundle_state state;

    do {
        state = keep(cache, bundle, offset, piece, &offset, error);
    } while (state == BUNDLE_PARTIAL && offset > 0);
    return state;
}

static void
damage(const char *path, long at)
{
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    fputc('!', file);
    fclose(file);
}

static bool
is_there(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

static void
takes_a_bundle_in_pieces_and_gives_it_out_whole(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(agent_cache_close) struct agent_cache *cache = open_cache(&folder, ROOM);
    CLEANUP(bundle_destroy) struct bundle *bundle = make_bundle('a', 5000);
    struct error error;
    uint64_t offset = 99;

    assert_int_equal(look_up(cache, bundle, &offset), BUNDLE_PARTIAL);
    assert_int_equal(offset, 0);
    assert_null(agent_cache_get(cache, &bundle->digest));
    assert_int_equal(keep(cache, bundle, 0, 1000, &offset, &error), BUNDLE_PARTIAL);
    assert_int_equal(offset, 1000);
    assert_int_equal(keep_all(cache, bundle, offset, 1000, &error), BUNDLE_THERE);
    assert_int_equal(agent_cache_get(cache, &bundle->digest)->bytes.size, bundle->bytes.size);
    assert_true(is_there(file_of(&folder, &bundle->digest, ".bundle")));
    assert_false(is_there(file_of(&folder, &bundle->digest, ".part")));
    assert_int_equal(look_up(cache, bundle, &offset), BUNDLE_THERE);
    agent_cache_release(cache, &bundle->digest);
    assert_null(agent_cache_get(cache, &bundle->digest));
    assert_int_equal(look_up(cache, bundle, &offset), BUNDLE_THERE);
}

static void
goes_on_where_an_earlier_process_has_stopped(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(bundle_destroy) struct bundle *bundle = make_bundle('a', 700000);
    struct agent_cache *cache = open_cache(&folder, ROOM);
    struct error error;
    uint64_t offset;

    keep(cache, bundle, 0, CHUNK_SIZE_MAX, &offset, &error);
    keep(cache, bundle, offset, CHUNK_SIZE_MAX, &offset, &error);
    agent_cache_close(&cache);
    cache = open_cache(&folder, ROOM);
    assert_int_equal(look_up(cache, bundle, &offset), BUNDLE_PARTIAL);
    assert_int_equal(offset, CHUNK_SIZE_MAX); /* the last piece may be torn: once more */
    assert_int_equal(keep_all(cache, bundle, offset, CHUNK_SIZE_MAX, &error), BUNDLE_THERE);
    agent_cache_close(&cache);
}

static void
takes_a_fetch_that_was_complete_when_the_process_died(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(bundle_destroy) struct bundle *bundle = make_bundle('a', 5000);
    CLEANUP(agent_cache_close) struct agent_cache *cache = open_cache(&folder, ROOM);
    const char *part = file_of(&folder, &bundle->digest, ".part");
    uint64_t offset;

    folder_write(&folder, strrchr(part, '/') + 1, bundle->bytes.data, bundle->bytes.size);
    assert_int_equal(look_up(cache, bundle, &offset), BUNDLE_THERE);
    assert_true(is_there(file_of(&folder, &bundle->digest, ".bundle")));
}

static void
fetches_a_damaged_file_again(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(agent_cache_close) struct agent_cache *cache = open_cache(&folder, ROOM);
    CLEANUP(bundle_destroy) struct bundle *bundle = make_bundle('a', 5000);
    struct error error;
    uint64_t offset;

    keep_all(cache, bundle, 0, CHUNK_SIZE_MAX, &error);
    agent_cache_release(cache, &bundle->digest);
    damage(file_of(&folder, &bundle->digest, ".bundle"), 3000);
    assert_int_equal(look_up(cache, bundle, &offset), BUNDLE_PARTIAL);
    assert_int_equal(offset, 0);
    assert_false(is_there(file_of(&folder, &bundle->digest, ".bundle")));
    assert_int_equal(keep_all(cache, bundle, 0, CHUNK_SIZE_MAX, &error), BUNDLE_THERE);
}

static void
begins_anew_when_what_was_left_over_is_damaged(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(bundle_destroy) struct bundle *bundle = make_bundle('a', 700000);
    struct agent_cache *cache = open_cache(&folder, ROOM);
    struct error error;
    uint64_t offset;

    keep(cache, bundle, 0, CHUNK_SIZE_MAX, &offset, &error);
    keep(cache, bundle, offset, CHUNK_SIZE_MAX, &offset, &error);
    agent_cache_close(&cache);
    damage(file_of(&folder, &bundle->digest, ".part"), 1000);
    cache = open_cache(&folder, ROOM);
    look_up(cache, bundle, &offset);
    while (offset > 0) {
        assert_int_equal(keep(cache, bundle, offset, CHUNK_SIZE_MAX, &offset, &error),
                         BUNDLE_PARTIAL);
    }
    assert_int_equal(keep_all(cache, bundle, 0, CHUNK_SIZE_MAX, &error), BUNDLE_THERE);
    agent_cache_close(&cache);
}

static void
refuses_what_is_not_what_the_digest_promises(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(agent_cache_close) struct agent_cache *cache = open_cache(&folder, ROOM);
    CLEANUP(bundle_destroy) struct bundle *bundle = make_bundle('a', 5000);
    struct error error;
    uint64_t offset;

    bundle->digest.bytes[0] ^= 1;
    look_up(cache, bundle, &offset);
    assert_int_equal(keep_all(cache, bundle, 0, 1000, &error), BUNDLE_BAD);
    assert_string_equal(error.code, "E-SIG-DIGEST");
    assert_false(is_there(file_of(&folder, &bundle->digest, ".part")));
}

static void
removes_what_was_used_longest_ago(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(agent_cache_close) struct agent_cache *cache = open_cache(&folder, 25000);
    struct bundle *bundles[4];
    struct error error;

    for (int i = 0; i < 4; i++) {
        struct utimbuf then = {1000 + i, 1000 + i};
        bundles[i] = make_bundle((char)('a' + i), 10000);
        assert_int_equal(keep_all(cache, bundles[i], 0, CHUNK_SIZE_MAX, &error), BUNDLE_THERE);
        if (i == 0) {
            then.modtime = 5000; /* it was used again since */
        }
        utime(file_of(&folder, &bundles[i]->digest, ".bundle"), &then);
        if (i != 2) {
            agent_cache_release(cache, &bundles[i]->digest);
        }
    }
    assert_false(is_there(file_of(&folder, &bundles[0]->digest, ".bundle")) &&
                 is_there(file_of(&folder, &bundles[1]->digest, ".bundle")));
    assert_false(is_there(file_of(&folder, &bundles[1]->digest, ".bundle")));
    assert_true(is_there(file_of(&folder, &bundles[2]->digest, ".bundle"))); /* it is in use */
    assert_true(is_there(file_of(&folder, &bundles[3]->digest, ".bundle"))); /* it came last */
    for (int i = 0; i < 4; i++) {
        bundle_destroy(&bundles[i]);
    }
}

static void
belongs_to_one_process(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(agent_cache_close) struct agent_cache *cache = open_cache(&folder, ROOM);
    struct agent_cache *second;
    struct error error;

    assert_non_null(cache);
    assert_false(agent_cache_open(folder.path, ROOM, &second, &error));
    assert_string_equal(error.code, "E-CACHE-LOCKED");
}

static void
says_what_folder_it_cannot_use(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const char *path = folder_text(&folder, "file", "x", 0600);
    struct agent_cache *cache;
    struct error error;

    assert_false(agent_cache_open(path, ROOM, &cache, &error));
    assert_string_equal(error.code, "E-CACHE-OPEN");
    assert_string_equal(error.where, path);
}

static void
makes_the_folders_on_the_way(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    char path[128];
    struct agent_cache *cache;
    struct error error;

    snprintf(path, sizeof path, "%s/deep", folder.path);
    assert_true(agent_cache_open(path, ROOM, &cache, &error));
    agent_cache_close(&cache);
    remove(folder_path(&folder, "deep/lock"));
}

static void
a_folder_that_was_cleared_is_begun_anew(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(agent_cache_close) struct agent_cache *cache = open_cache(&folder, ROOM);
    CLEANUP(bundle_destroy) struct bundle *bundle = make_bundle('a', 5000);
    struct error error;
    uint64_t offset;

    keep(cache, bundle, 0, 1000, &offset, &error);
    remove(file_of(&folder, &bundle->digest, ".part"));
    assert_int_equal(keep(cache, bundle, offset, 1000, &offset, &error), BUNDLE_BAD);
    assert_string_equal(error.code, "E-CACHE-IO");
    assert_int_equal(look_up(cache, bundle, &offset), BUNDLE_PARTIAL);
    assert_int_equal(offset, 0);
}

/* A disk of one MiB, which only root can make. */
static void
a_full_disk_costs_the_other_bundles_and_then_refuses(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(bundle_destroy) struct bundle *first = make_bundle('a', 600000);
    CLEANUP(bundle_destroy) struct bundle *second = make_bundle('b', 600000);
    CLEANUP(bundle_destroy) struct bundle *third = make_bundle('c', 1200000);
    struct error error;
    uint64_t offset;

    if (mount("none", folder.path, "tmpfs", 0, "size=1m") < 0) {
        print_message("only root may mount a small disk\n");
        skip();
    }
    struct agent_cache *cache = open_cache(&folder, ROOM);
    assert_int_equal(keep_all(cache, first, 0, CHUNK_SIZE_MAX, &error), BUNDLE_THERE);
    agent_cache_release(cache, &first->digest);
    assert_int_equal(keep_all(cache, second, 0, CHUNK_SIZE_MAX, &error), BUNDLE_THERE);
    assert_false(is_there(file_of(&folder, &first->digest, ".bundle")));
    look_up(cache, third, &offset);
    assert_int_equal(keep_all(cache, third, 0, CHUNK_SIZE_MAX, &error), BUNDLE_BAD);
    assert_string_equal(error.code, "E-CACHE-FULL");
    assert_non_null(agent_cache_get(cache, &second->digest)); /* what runs is not touched */
    assert_true(is_there(file_of(&folder, &second->digest, ".bundle")));
    agent_cache_close(&cache);
    umount(folder.path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_bundle_in_pieces_and_gives_it_out_whole),
        cmocka_unit_test(goes_on_where_an_earlier_process_has_stopped),
        cmocka_unit_test(takes_a_fetch_that_was_complete_when_the_process_died),
        cmocka_unit_test(fetches_a_damaged_file_again),
        cmocka_unit_test(begins_anew_when_what_was_left_over_is_damaged),
        cmocka_unit_test(refuses_what_is_not_what_the_digest_promises),
        cmocka_unit_test(removes_what_was_used_longest_ago),
        cmocka_unit_test(belongs_to_one_process),
        cmocka_unit_test(says_what_folder_it_cannot_use),
        cmocka_unit_test(makes_the_folders_on_the_way),
        cmocka_unit_test(a_folder_that_was_cleared_is_begun_anew),
        cmocka_unit_test(a_full_disk_costs_the_other_bundles_and_then_refuses),
    };
    return RUN_TESTS(tests);
}
