#include <string.h>

#include "common/base/mem.h"
#include "common/patterns/fill.h"
#include "tests/support/unit.h"

struct filling_end {
    struct arena arena;
    struct filled filled;
    struct error_list errors;
    bool succeeded;
};

static struct filling_end
fill(const char *name, size_t count, const char *const *settings)
{
    CLEANUP(library_destroy) struct library *library = library_new();
    struct filling_end end = {0};
    struct error error;

    const struct pattern *pattern = library_find(library, name, &error);
    assert_non_null(pattern);
    end.succeeded = pattern_fill(pattern, settings, count, &end.arena, &end.filled, &end.errors);
    /* What was made outlives the library. */
    for (size_t i = 0; end.succeeded && i < end.filled.count; i++) {
        end.filled.migrations[i].name = arena_text(&end.arena, end.filled.migrations[i].name);
    }
    return end;
}

#define FILL(name, ...)                                                                            \
    fill(name, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                        \
         (const char *const[]){__VA_ARGS__})

static void
end_release(struct filling_end *end)
{
    arena_release(&end->arena);
    error_list_release(&end->errors);
}

static void
says(const struct filling_end *end, size_t index, const char *code, const char *part)
{
    assert_false(end->succeeded);
    assert_true(index < end->errors.count);
    assert_string_equal(end->errors.errors[index].code, code);
    if (!strstr(end->errors.errors[index].text, part)) {
        fail_msg("it says: %s", end->errors.errors[index].text);
    }
}

static void
values_stand_where_the_script_wants_them(void **state)
{
    (void)state;
    CLEANUP(end_release)
    struct filling_end end =
        FILL("unique", "table=app.\"Order\"", "columns=tenant,\"No\"", "lock_timeout=1s");

    assert_true(end.succeeded);
    assert_int_equal(end.filled.count, 2);
    assert_string_equal(end.filled.migrations[0].up,
                        "-- skein: stage=expand transaction=none\n"
                        "-- skein: allow=SK018 reason=\"rows that are equal end it, and nothing is "
                        "changed then\"\n"
                        "CREATE UNIQUE INDEX CONCURRENTLY \"Order_tenant_No_key\" ON app.\"Order\" "
                        "(tenant, \"No\");\n");
    assert_non_null(
        strstr(end.filled.migrations[0].down, "IF EXISTS app.\"Order_tenant_No_key\";"));
    assert_non_null(strstr(end.filled.migrations[0].verify, "'app.\"Order\"'::regclass"));
    assert_non_null(strstr(end.filled.migrations[0].verify, "relname = 'Order_tenant_No_key'"));
    assert_non_null(strstr(end.filled.migrations[1].up, "stage=migrate lock_timeout=1s"));
}

static void
parts_come_and_go_with_a_parameter(void **state)
{
    (void)state;
    CLEANUP(end_release) struct filling_end plain = FILL("index", "table=users", "on=email");
    CLEANUP(end_release)
    struct filling_end full =
        FILL("index", "table=users", "on=email", "include=id", "where=id > 5", "index=x");

    assert_string_equal(
        plain.filled.migrations[0].up,
        "-- skein: stage=expand transaction=none\n"
        "CREATE INDEX CONCURRENTLY users_email_idx ON users USING btree (email);\n");
    assert_string_equal(full.filled.migrations[0].up,
                        "-- skein: stage=expand transaction=none\n"
                        "CREATE INDEX CONCURRENTLY x ON users USING btree (email)\n"
                        "    INCLUDE (id)\n"
                        "    WHERE id > 5;\n");
}

static void
migrations_come_and_go_with_a_parameter(void **state)
{
    (void)state;
    CLEANUP(end_release)
    struct filling_end by_trigger = FILL("column", "table=t", "column=c", "type=int", "value=1");
    CLEANUP(end_release)
    struct filling_end by_default =
        FILL("column", "table=t", "column=c", "type=int", "value=1", "default=1");

    assert_int_equal(by_trigger.filled.count, 6);
    assert_string_equal(by_trigger.filled.migrations[5].name, "drop_trigger");
    assert_int_equal(by_default.filled.count, 5);
    assert_non_null(strstr(by_default.filled.migrations[0].up, "SET DEFAULT 1;"));
    assert_null(strstr(by_default.filled.migrations[0].up, "TRIGGER"));
}

static void
a_list_is_written_piece_by_piece(void **state)
{
    (void)state;
    CLEANUP(end_release)
    struct filling_end end =
        FILL("split-table", "table=users", "other=addresses", "columns=street text, zip char(5)");

    assert_true(end.succeeded);
    const char *up = end.filled.migrations[0].up;
    assert_non_null(strstr(up, "    street text, zip char(5)\n"));
    assert_non_null(strstr(up, "num_nonnulls(NEW.street, NEW.zip) = 0"));
    assert_non_null(strstr(up, "SET street = EXCLUDED.street, zip = EXCLUDED.zip"));
    assert_non_null(strstr(end.filled.migrations[4].up, "DROP COLUMN street, DROP COLUMN zip;"));
}

static void
what_is_allowed_on_the_way_up_is_not_said_on_the_way_back(void **state)
{
    (void)state;
    CLEANUP(end_release)
    struct filling_end end =
        FILL("split-table", "table=users", "other=addresses", "columns=street text");

    assert_non_null(strstr(end.filled.migrations[3].up, "allow=SK123"));
    assert_non_null(strstr(end.filled.migrations[0].down, "DROP TRIGGER"));
    assert_null(strstr(end.filled.migrations[0].down, "allow="));
}

static void
a_migration_without_a_way_back_has_no_down(void **state)
{
    (void)state;
    CLEANUP(end_release)
    struct filling_end end = FILL("data", "table=t", "set=a = 1", "where=a IS NULL");

    assert_true(end.succeeded);
    assert_null(end.filled.migrations[0].down);
    assert_non_null(strstr(end.filled.migrations[0].up, "irreversible="));
}

static void
everything_that_is_wrong_is_told_at_once(void **state)
{
    (void)state;
    CLEANUP(end_release)
    struct filling_end end =
        FILL("check", "table=Users", "table", "tabel=users", "check=1", "check=2");

    assert_int_equal(end.errors.count, 5);
    says(&end, 0, "E-PATTERN-VALUE", "folds capital letters");
    says(&end, 1, "E-PATTERN-SET", "'table' is no name=value");
    says(&end, 2, "E-PATTERN-PARAM", "no parameter 'tabel'");
    assert_string_equal(end.errors.errors[2].hint, "did you mean table?");
    says(&end, 3, "E-PATTERN-DUP", "check is said twice");
    says(&end, 4, "E-PATTERN-MISSING", "wants to know constraint");
}

static void
two_that_belong_together_are_both_said(void **state)
{
    (void)state;
    CLEANUP(end_release)
    struct filling_end end = FILL("enum-create", "enum=state", "values=a,b", "table=t");

    says(&end, 0, "E-PATTERN-MISSING", "wants to know column");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_where_the_script_wants_them),
        cmocka_unit_test(parts_come_and_go_with_a_parameter),
        cmocka_unit_test(migrations_come_and_go_with_a_parameter),
        cmocka_unit_test(a_list_is_written_piece_by_piece),
        cmocka_unit_test(what_is_allowed_on_the_way_up_is_not_said_on_the_way_back),
        cmocka_unit_test(a_migration_without_a_way_back_has_no_down),
        cmocka_unit_test(everything_that_is_wrong_is_told_at_once),
        cmocka_unit_test(two_that_belong_together_are_both_said),
    };
    return RUN_TESTS(tests);
}
