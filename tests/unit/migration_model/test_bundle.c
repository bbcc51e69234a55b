#include "common/migration/bundle.h"

#include <string.h>

#include "common/base/mem.h"

#include "tests/support/unit.h"

#define UP "CREATE TABLE a ();\nCREATE TABLE ä ();\n"
#define DOWN "DROP TABLE ä;\n"
#define INDEX "CREATE INDEX CONCURRENTLY i ON a (b);\n"
#define CONTENT UP DOWN INDEX

/* A manifest over CONTENT that a test can spoil. */
struct material {
    struct manifest manifest;
    struct migration migrations[2];
    struct statement up[2], down[1], index[1];
    char content[sizeof CONTENT];
};

static void
seal(const struct material *material, struct script *script)
{
    struct digest digest = digest_of(material->content + script->offset, script->size);
    memcpy(script->checksum, digest.bytes, CHECKSUM_SIZE);
}

static void
make_material(struct material *material)
{
    *material = (struct material){
        .manifest = {.format = 1, .service = "auth", .layout = "pairs", .migration_count = 2},
        .up = {{.offset = 0, .size = 17, .line = 1, .column = 1, .tag = "CREATE TABLE"},
               {.offset = 19, .size = 18, .line = 2, .column = 1, .tag = "CREATE TABLE"}},
        .down = {{.offset = 0, .size = 13, .line = 1, .column = 1, .tag = "DROP TABLE"}},
        .index = {{.offset = 0,
                   .size = 36,
                   .line = 1,
                   .column = 1,
                   .kind = STATEMENT_CREATE_INDEX_CONCURRENTLY,
                   .object = "i",
                   .table = "a"}},
        .content = CONTENT,
    };
    struct migration *migrations = material->migrations;
    migrations[0] =
        (struct migration){.version = "1", .name = "one", .has_up = true, .has_down = true};
    migrations[0].up = (struct script){.path = "1.up.sql",
                                       .size = strlen(UP),
                                       .is_transactional = true,
                                       .statements = material->up,
                                       .statement_count = 2};
    migrations[0].down = (struct script){.path = "1.down.sql",
                                         .offset = strlen(UP),
                                         .size = strlen(DOWN),
                                         .is_transactional = true,
                                         .statements = material->down,
                                         .statement_count = 1};
    migrations[1] = (struct migration){.version = "2", .name = "two", .has_up = true};
    migrations[1].up = (struct script){.path = "2.up.sql",
                                       .offset = strlen(UP DOWN),
                                       .size = strlen(INDEX),
                                       .statements = material->index,
                                       .statement_count = 1};
    material->manifest.migrations = migrations;
    seal(material, &migrations[0].up);
    seal(material, &migrations[0].down);
    seal(material, &migrations[1].up);
}

/* A bundle's bytes as somebody could send them, sound or not. */
static void
assemble(const struct material *material, struct text *bytes)
{
    CLEANUP(text_release) struct text packed = {0};

    pack_encode(&manifest_shape, &material->manifest, &packed);
    text_format(bytes, "skein-bundle 1\n%08zx\n", packed.size);
    text_append_bytes(bytes, packed.data, packed.size);
    text_append_bytes(bytes, material->content, strlen(CONTENT));
}

/* Read bytes that have the digest they claim. */
static bool
read_bytes(const void *data, size_t size, struct bundle **bundle, struct error *error)
{
    struct digest digest = digest_of(data, size);
    return bundle_read(data, size, &digest, bundle, error);
}

static void
a_bundle_is_read_as_it_was_made(void **state)
{
    (void)state;
    struct material material;
    struct error error;
    make_material(&material);
    CLEANUP(bundle_destroy)
    struct bundle *made = bundle_new(&material.manifest, material.content, strlen(CONTENT));
    CLEANUP(bundle_destroy) struct bundle *read = NULL;

    memset(material.content, 'x', strlen(CONTENT)); /* what was made needs it no more */
    assert_true(bundle_read(made->bytes.data, made->bytes.size, &made->digest, &read, &error));

    assert_true(pack_equal(&manifest_shape, &material.manifest, &read->manifest));
    assert_int_equal(read->content_size, strlen(CONTENT));
    assert_memory_equal(read->content, CONTENT, strlen(CONTENT));
    assert_memory_equal(&read->digest, &made->digest, DIGEST_SIZE);
    const struct script *down = migration_script(&read->manifest.migrations[0], DIRECTION_DOWN);
    assert_memory_equal(bundle_script_text(read, down), DOWN, strlen(DOWN));
}

static void
the_same_migrations_make_the_same_digest(void **state)
{
    (void)state;
    struct material material;
    make_material(&material);

    CLEANUP(bundle_destroy)
    struct bundle *one = bundle_new(&material.manifest, material.content, strlen(CONTENT));
    CLEANUP(bundle_destroy)
    struct bundle *two = bundle_new(&material.manifest, material.content, strlen(CONTENT));

    assert_memory_equal(&one->digest, &two->digest, DIGEST_SIZE);
}

static void
a_digest_is_sha_256(void **state)
{
    (void)state;
    struct digest digest = digest_of("abc", 3); /* FIPS 180-4 */
    char hex[2 * DIGEST_SIZE + 1];

    text_hex(digest.bytes, DIGEST_SIZE, hex);

    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
a_bundle_without_migrations_is_a_bundle(void **state)
{
    (void)state;
    struct manifest manifest = {.format = 1, .service = "auth", .layout = "pairs"};

    CLEANUP(bundle_destroy) struct bundle *bundle = bundle_new(&manifest, "", 0);

    assert_int_equal(bundle->manifest.migration_count, 0);
    assert_int_equal(bundle->content_size, 0);
}

static void
every_changed_byte_breaks_the_digest(void **state)
{
    (void)state;
    struct material material;
    make_material(&material);
    CLEANUP(bundle_destroy)
    struct bundle *made = bundle_new(&material.manifest, material.content, strlen(CONTENT));
    CLEANUP(mem_free) uint8_t *bytes = mem_copy(made->bytes.data, made->bytes.size);
    struct bundle *read = NULL;
    struct error error;

    for (size_t at = 0; at < made->bytes.size; at++) {
        bytes[at] ^= 0x10;
        assert_false(bundle_read(bytes, made->bytes.size, &made->digest, &read, &error));
        assert_string_equal(error.code, "E-SIG-DIGEST");
        assert_null(read);
        bytes[at] ^= 0x10;
    }
    assert_false(bundle_read(bytes, made->bytes.size - 1, &made->digest, &read, &error));
    assert_string_equal(error.code, "E-SIG-DIGEST");
}

static void
every_changed_byte_under_its_own_digest_is_refused_or_harmless(void **state)
{
    (void)state;
    struct material material;
    make_material(&material);
    CLEANUP(text_release) struct text bytes = {0};
    assemble(&material, &bytes);

    for (size_t at = 0; at < bytes.size * 256; at += UNIT_STRIDE(61)) {
        CLEANUP(bundle_destroy) struct bundle *read = NULL;
        struct error error = {0};
        char kept = bytes.data[at / 256];
        bytes.data[at / 256] = (char)at;
        if (!read_bytes(bytes.data, bytes.size, &read, &error)) {
            assert_string_equal(error.code, "E-BUNDLE-FORMAT");
            assert_null(read);
        } else {
            assert_memory_equal(read->content, CONTENT, strlen(CONTENT));
        }
        bytes.data[at / 256] = kept;
    }
}

static void
every_truncation_under_its_own_digest_is_refused(void **state)
{
    (void)state;
    struct material material;
    make_material(&material);
    CLEANUP(text_release) struct text bytes = {0};
    assemble(&material, &bytes);

    for (size_t size = 0; size < bytes.size; size++) {
        CLEANUP(mem_free) void *cut = mem_copy(bytes.data, size);
        struct bundle *read = NULL;
        struct error error = {0};
        assert_false(read_bytes(cut, size, &read, &error));
        assert_string_equal(error.code, "E-BUNDLE-FORMAT");
    }
}

static void
expect_refusal(const struct material *material, const char *text, const char *where)
{
    CLEANUP(text_release) struct text bytes = {0};
    struct bundle *read = NULL;
    struct error error = {0};

    assemble(material, &bytes);
    assert_false(read_bytes(bytes.data, bytes.size, &read, &error));
    assert_string_equal(error.code, "E-BUNDLE-FORMAT");
    assert_non_null(strstr(error.text, text));
    assert_string_equal(error.where, where);
}

static void
a_manifest_that_lies_about_its_files_is_refused(void **state)
{
    (void)state;
    struct material material;
    struct script *up = &material.migrations[0].up;

    make_material(&material);
    up->checksum[0] ^= 1;
    expect_refusal(&material, "checksum", "1.up.sql");
    make_material(&material);
    up->offset = sizeof CONTENT;
    expect_refusal(&material, "outside", "1.up.sql");
    make_material(&material);
    up->size = sizeof CONTENT;
    expect_refusal(&material, "outside", "1.up.sql");
    make_material(&material);
    up->path = NULL;
    expect_refusal(&material, "without a name", "");
    make_material(&material);
    up->path = "";
    expect_refusal(&material, "without a name", "");
    make_material(&material);
    material.migrations[1].down = *up;
    expect_refusal(&material, "should not be there", "");
    make_material(&material);
    material.migrations[0].has_up = false;
    expect_refusal(&material, "without an up file", "version '1'");
    make_material(&material);
    material.content[2] = '\0';
    seal(&material, up);
    expect_refusal(&material, "not UTF-8", "1.up.sql");
    make_material(&material);
    material.content[2] = (char)0xff;
    seal(&material, up);
    expect_refusal(&material, "not UTF-8", "1.up.sql");
}

static void
a_manifest_that_lies_about_its_statements_is_refused(void **state)
{
    (void)state;
    struct material material;

    make_material(&material);
    material.up[1].size = 30;
    expect_refusal(&material, "outside its file", "1.up.sql, statement 2");
    make_material(&material);
    material.up[1].offset = 1000;
    expect_refusal(&material, "outside its file", "1.up.sql, statement 2");
    make_material(&material);
    material.up[0].size = 0;
    expect_refusal(&material, "outside its file", "1.up.sql, statement 1");
    make_material(&material);
    material.up[1].offset = 5;
    expect_refusal(&material, "overlap", "1.up.sql, statement 2");
    make_material(&material);
    material.up[0].line = 0;
    expect_refusal(&material, "without a line", "1.up.sql, statement 1");
    make_material(&material);
    material.up[0].column = 0;
    expect_refusal(&material, "without a line", "1.up.sql, statement 1");
    make_material(&material);
    material.up[1].size = 14; /* in the middle of the ä */
    expect_refusal(&material, "inside a character", "1.up.sql");
    make_material(&material);
    material.migrations[1].up.is_transactional = true;
    expect_refusal(&material, "index statement", "2.up.sql, statement 1");
    make_material(&material);
    material.index[0].object = NULL;
    expect_refusal(&material, "index statement", "2.up.sql, statement 1");
    make_material(&material);
    material.index[0].object = "";
    expect_refusal(&material, "index statement", "2.up.sql, statement 1");
    make_material(&material);
    material.index[0].table = NULL;
    expect_refusal(&material, "without a table", "2.up.sql, statement 1");
    make_material(&material);
    material.down[0].size = 16;
    expect_refusal(&material, "outside its file", "1.down.sql, statement 1");
}

static void
a_manifest_is_of_one_service_with_versions_that_are_unique(void **state)
{
    (void)state;
    struct material material;

    make_material(&material);
    material.migrations[1].version = "1";
    expect_refusal(&material, "there twice", "version '1'");
    make_material(&material);
    material.migrations[1].version = "";
    expect_refusal(&material, "empty", "version ''");
    make_material(&material);
    material.manifest.service = "../etc";
    expect_refusal(&material, "service", "");
    make_material(&material);
    material.manifest.format = 0;
    expect_refusal(&material, "unknown format", "");
}

static void
expect_head_refused(const char *bytes, size_t size)
{
    struct bundle *read = NULL;
    struct error error = {0};

    assert_false(read_bytes(bytes, size, &read, &error));
    assert_string_equal(error.code, "E-BUNDLE-FORMAT");
}

static void
what_does_not_begin_like_a_bundle_is_none(void **state)
{
    (void)state;
    static const char empty_manifest[] = "skein-bundle 1\n00000001\n\x94";

    expect_head_refused("", 0);
    expect_head_refused("skein-bundle 2\n00000000\n", 24);
    expect_head_refused("skein-bundle 1\n00000000 ", 24);
    expect_head_refused("skein-bundle 1\n0000000g\n", 24);
    expect_head_refused("skein-bundle 1\n0000000A\n..........", 34);
    expect_head_refused("skein-bundle 1\n00000001\n", 24);
    expect_head_refused("skein-bundle 1\nffffffff\n", 24);
    expect_head_refused(empty_manifest, sizeof empty_manifest - 1);
}

static void
a_bundle_beyond_its_bound_is_refused_unread(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *bytes = mem_zalloc(BUNDLE_SIZE_MAX + 1);
    struct digest digest = {{0}};
    struct bundle *read = NULL;
    struct error error = {0};

    assert_false(bundle_read(bytes, BUNDLE_SIZE_MAX + 1, &digest, &read, &error));

    assert_string_equal(error.code, "E-BUNDLE-FORMAT");
}

static void
migrations_and_scripts_are_found(void **state)
{
    (void)state;
    struct material material;
    make_material(&material);
    const struct migration *one = manifest_find(&material.manifest, "1"),
                           *two = manifest_find(&material.manifest, "2");

    assert_ptr_equal(one, &material.migrations[0]);
    assert_null(manifest_find(&material.manifest, "3"));
    assert_ptr_equal(migration_script(one, DIRECTION_UP), &one->up);
    assert_ptr_equal(migration_script(one, DIRECTION_DOWN), &one->down);
    assert_null(migration_script(two, DIRECTION_DOWN));
    assert_ptr_equal(migration_checksum(one), one->up.checksum);
    material.migrations[0].has_up = false;
    assert_null(migration_script(one, DIRECTION_UP));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_is_read_as_it_was_made),
        cmocka_unit_test(the_same_migrations_make_the_same_digest),
        cmocka_unit_test(a_digest_is_sha_256),
        cmocka_unit_test(a_bundle_without_migrations_is_a_bundle),
        cmocka_unit_test(every_changed_byte_breaks_the_digest),
        cmocka_unit_test(every_changed_byte_under_its_own_digest_is_refused_or_harmless),
        cmocka_unit_test(every_truncation_under_its_own_digest_is_refused),
        cmocka_unit_test(a_manifest_that_lies_about_its_files_is_refused),
        cmocka_unit_test(a_manifest_that_lies_about_its_statements_is_refused),
        cmocka_unit_test(a_manifest_is_of_one_service_with_versions_that_are_unique),
        cmocka_unit_test(what_does_not_begin_like_a_bundle_is_none),
        cmocka_unit_test(a_bundle_beyond_its_bound_is_refused_unread),
        cmocka_unit_test(migrations_and_scripts_are_found),
    };
    return RUN_TESTS(tests);
}
