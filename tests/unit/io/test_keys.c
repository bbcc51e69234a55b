#include "common/io/keys.h"

#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/folder.h"
#include "tests/support/unit.h"

/* RFC 7748, section 6.1: Alice's public key. */
#define ALICE_PUBLIC "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"

static void
a_saved_pair_is_loaded_again(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct key_pair made, loaded;
    struct error error;
    uint8_t public_key[KEYS_SIZE];
    struct stat status;
    keys_generate(&made);

    assert_true(keys_save(&made, folder_path(&folder, "agent"), &error));

    assert_true(keys_load(folder_path(&folder, "agent.key"), &loaded, &error));
    assert_memory_equal(&made, &loaded, sizeof made);
    assert_true(keys_read_public(folder_path(&folder, "agent.pub"), public_key, &error));
    assert_memory_equal(public_key, made.public_key, KEYS_SIZE);
    assert_int_equal(stat(folder_path(&folder, "agent.key"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(folder_path(&folder, "agent.pub"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
}

static void
two_pairs_are_never_the_same(void **state)
{
    (void)state;
    struct key_pair one, two;

    keys_generate(&one);
    keys_generate(&two);

    assert_memory_not_equal(&one, &two, sizeof one);
}

static void
neither_file_is_replaced(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct key_pair pair;
    struct error error;
    keys_generate(&pair);
    (void)folder_text(&folder, "a.key", "old", 0600);
    (void)folder_text(&folder, "b.pub", "old", 0644);

    assert_false(keys_save(&pair, folder_path(&folder, "a"), &error));
    assert_string_equal(error.code, "E-KEY-EXISTS");
    assert_int_not_equal(access(folder_path(&folder, "a.pub"), F_OK), 0);
    assert_false(keys_save(&pair, folder_path(&folder, "b"), &error));
    assert_string_equal(error.code, "E-KEY-EXISTS");
    assert_int_not_equal(access(folder_path(&folder, "b.key"), F_OK), 0);
    assert_false(keys_save(&pair, folder_path(&folder, "no/such/folder"), &error));
    assert_string_equal(error.code, "E-KEY-OPEN");
}

static void
a_key_is_64_hex_digits(void **state)
{
    (void)state;
    uint8_t public_key[KEYS_SIZE];
    struct error error;
    static const char *const refused[] = {
        "",
        "abc",
        ALICE_PUBLIC "0",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6g",
        "rq:rM>}U?@Lns47E1%kR!o^j-Yn@5$k5l2(kf9#&", /* Z85 */
    };

    assert_true(keys_read_public(ALICE_PUBLIC, public_key, &error));
    assert_int_equal(public_key[0], 0x85);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(keys_read_public(refused[i], public_key, &error));
        assert_true(error_is(&error, "E-KEY-FORMAT") || error_is(&error, "E-KEY-OPEN"));
        assert_null(refused[i][0] ? strstr(error.text, refused[i]) : NULL);
    }
}

static void
points_that_make_no_secret_are_refused(void **state)
{
    (void)state;
    uint8_t public_key[KEYS_SIZE];
    struct error error;
    /* Zero, one, and the other points of low order of Curve25519 (Bernstein). */
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };

    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        assert_false(keys_read_public(points[i], public_key, &error));
        assert_string_equal(error.code, "E-KEY-FORMAT");
    }
}

static void
expect_load_refused(const struct folder *folder, const char *content, mode_t mode, const char *code)
{
    struct key_pair pair, nothing = {0};
    struct error error = {0};
    const char *path = folder_text(folder, "bad.key", content, mode);

    assert_false(keys_load(path, &pair, &error));
    assert_string_equal(error.code, code);
    assert_ptr_equal(strstr(error.where, path), error.where);
    assert_memory_equal(&pair, &nothing, sizeof pair);
    (void)unlink(path);
}

static void
a_damaged_key_file_is_refused(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct key_pair pair;
    char public_hex[KEYS_HEX_SIZE], secret_hex[KEYS_HEX_SIZE];
    keys_generate(&pair);
    text_hex(pair.public_key, KEYS_SIZE, public_hex);
    text_hex(pair.secret_key, KEYS_SIZE, secret_hex);
    CLEANUP(mem_free) char *good = mem_format("public: %s\nsecret: %s\n", public_hex, secret_hex);
    CLEANUP(mem_free) char *twice = mem_format("public: %s\n%s", public_hex, good);
    CLEANUP(mem_free) char *zero_secret = mem_format("public: %s\nsecret: %064d\n", public_hex, 0);
    CLEANUP(mem_free) char *zero_public = mem_format("public: %064d\nsecret: %s\n", 0, secret_hex);
    CLEANUP(mem_free)
    char *other = mem_format("public: %s\nsecret: %s\n", ALICE_PUBLIC, secret_hex);
    CLEANUP(mem_free) char *unknown = mem_format("%scomment: x\n", good);
    CLEANUP(mem_free) char *only_public = mem_format("public: %s\n", public_hex);
    CLEANUP(mem_free) char *only_secret = mem_format("secret: %s\n", secret_hex);
    CLEANUP(mem_free) char *long_file = mem_zalloc(5001);
    memset(long_file, 'x', 5000);

    expect_load_refused(&folder, "", 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, "\n", 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, only_public, 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, only_secret, 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, twice, 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, unknown, 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, zero_secret, 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, zero_public, 0600, "E-KEY-FORMAT");
    expect_load_refused(&folder, other, 0600, "E-KEY-PAIR");
    expect_load_refused(&folder, long_file, 0600, "E-KEY-OPEN");
    expect_load_refused(&folder, good, 0640, "E-CFG-PERM");
    for (size_t size = strlen(good) - 2; size > 0; size--) {
        CLEANUP(mem_free) char *cut = mem_format("%.*s", (int)size, good);
        expect_load_refused(&folder, cut, 0600, "E-KEY-FORMAT");
    }
}

static void
an_error_says_the_line_and_never_the_secret(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct key_pair pair;
    struct error error;
    const char *path =
        folder_text(&folder, "bad.key", "public: " ALICE_PUBLIC "\nsecret: hunter2\n", 0600);
    CLEANUP(mem_free) char *where = mem_format("%s:2", path);

    assert_false(keys_load(path, &pair, &error));

    assert_string_equal(error.where, where);
    assert_null(strstr(error.text, "hunter2"));
    assert_null(strstr(error.found, "hunter2"));
}

static void
lines_may_end_as_on_windows_and_the_last_one_without(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    uint8_t public_key[KEYS_SIZE];
    struct error error;

    assert_true(keys_read_public(
        folder_text(&folder, "a.pub", "public: " ALICE_PUBLIC "\r\n", 0644), public_key, &error));
    assert_true(keys_read_public(folder_text(&folder, "b.pub", "public: " ALICE_PUBLIC, 0644),
                                 public_key, &error));
}

static void
a_secret_file_is_no_public_key(void **state)
{
    (void)state;
    CLEANUP(folder_remove) struct folder folder = folder_make();
    uint8_t public_key[KEYS_SIZE];
    struct key_pair pair;
    struct error error;
    keys_generate(&pair);
    assert_true(keys_save(&pair, folder_path(&folder, "agent"), &error));

    assert_false(keys_read_public(folder_path(&folder, "agent.key"), public_key, &error));
    assert_string_equal(error.code, "E-KEY-FORMAT");
    assert_non_null(strstr(error.hint, ".pub"));
    assert_false(keys_read_public(folder_path(&folder, "missing.pub"), public_key, &error));
    assert_string_equal(error.code, "E-KEY-OPEN");
}

static void
a_wiped_pair_is_gone(void **state)
{
    (void)state;
    struct key_pair pair, nothing = {0};
    keys_generate(&pair);

    keys_wipe(&pair);

    assert_memory_equal(&pair, &nothing, sizeof pair);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_pair_is_loaded_again),
        cmocka_unit_test(two_pairs_are_never_the_same),
        cmocka_unit_test(neither_file_is_replaced),
        cmocka_unit_test(a_key_is_64_hex_digits),
        cmocka_unit_test(points_that_make_no_secret_are_refused),
        cmocka_unit_test(a_damaged_key_file_is_refused),
        cmocka_unit_test(an_error_says_the_line_and_never_the_secret),
        cmocka_unit_test(lines_may_end_as_on_windows_and_the_last_one_without),
        cmocka_unit_test(a_secret_file_is_no_public_key),
        cmocka_unit_test(a_wiped_pair_is_gone),
    };
    return RUN_TESTS(tests);
}
