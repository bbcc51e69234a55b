#include "common/migration/setting.h"

#include "tests/support/unit.h"

static void
time_outs_are_read_as_postgresql_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t ms;
    } rows[] = {{"5000", 5000},    {"5s", 5000},      {"250ms", 250},   {"1 min", 60000},
                {"1.5h", 5400000}, {"2d", 172800000}, {"0", 0},         {"-1", 0},
                {"off", 0},        {"", 0},           {"5 parsecs", 0}, {"1e300", 0},
                {"500us", 0},      {"2000us", 2},     {NULL, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(setting_milliseconds(rows[i].value), rows[i].ms);
    }
}

static void
a_value_that_changes_nothing_is_no_matter(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool is_fine;
    } rows[] = {{"synchronous_commit", "on", true},
                {"synchronous_commit", "true", true},
                {"synchronous_commit", "remote_write", false},
                {"synchronous_commit", NULL, false},
                {"client_encoding", "UTF8", true},
                {"client_encoding", "utf-8", true},
                {"client_encoding", "utf88", false},
                {"client_encoding", "SQL_ASCII", false},
                {"standard_conforming_strings", "on", true},
                {"standard_conforming_strings", "off", false},
                {"search_path", "public", true},
                {"search_path", "skeins, askein", true},
                {"search_path", "public, skein", false},
                {"search_path", "\"skein\"", false},
                {"search_path", NULL, true},
                {"work_mem", "1GB", true},
                {"role", "x", false},
                {"role", NULL, false}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sql_setting setting = {.name = rows[i].name, .value = rows[i].value};
        if ((setting_objection(&setting) == NULL) != rows[i].is_fine) {
            fail_msg("%s = %s", rows[i].name, rows[i].value ? rows[i].value : "default");
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_outs_are_read_as_postgresql_writes_them),
        cmocka_unit_test(a_value_that_changes_nothing_is_no_matter),
    };
    return RUN_TESTS(tests);
}
