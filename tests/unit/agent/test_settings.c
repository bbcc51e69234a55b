#include "agent/shell/settings.h"
#include "tests/support/unit.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define KEY "3f0c5a17c2d9e84b6a1f0e9d8c7b6a59483726150413f2e1d0cfbeadbc9b8a77"
#define HEAD                                                                                       \
    "agent: a1\n"                                                                                  \
    "coordinator: {endpoint: 'tcp://127.0.0.1:7471', key: " KEY "}\n"                              \
    "key: /k/a1.key\n"                                                                             \
    "cache: /c\n"
#define TARGET "targets:\n  - {name: t1, service: auth, database: 'dbname=auth'}\n"

static bool
parse(const char *text, struct agent_settings *settings, struct error *error)
{
    *error = (struct error){0};
    return agent_settings_parse("agent.yaml", text, strlen(text), settings, error);
}

static void
reads_everything_there_is_to_say(void **state)
{
    (void)state;
    CLEANUP(agent_settings_release) struct agent_settings settings;
    struct error error;
    static const char text[] = HEAD "log: debug\n"
                                    "limits: {cache_mib: 100}\n"
                                    "targets:\n"
                                    "  - name: auth-eu-1\n"
                                    "    service: auth\n"
                                    "    database: host=/run/postgresql dbname=auth\n"
                                    "    role: auth_owner\n"
                                    "    search_path: auth, public\n"
                                    "    lock_timeout: 2s\n"
                                    "    lock_budget: 1m\n"
                                    "    timeout: 10m\n"
                                    "    window: Sat 02:00-05:00 Europe/Berlin\n"
                                    "    labels: {env: prod, region: eu}\n"
                                    "    preflight: {lag: hold, lag_limit: 10s, slots: refuse,"
                                    " slot_limit_mib: 5, hold_limit: 1m}\n"
                                    "    evict: {after: 30s, applications: [reports, bi]}\n"
                                    "  - {name: t2, service: risk, database: 'dbname=risk'}\n";

    assert_true(parse(text, &settings, &error));

    const struct agent_settings_target *first = &settings.targets[0];
    assert_string_equal(settings.name, "a1");
    assert_string_equal(settings.endpoint, "tcp://127.0.0.1:7471");
    assert_int_equal(settings.coordinator_key[0], 0x3f);
    assert_string_equal(settings.key_path, "/k/a1.key");
    assert_string_equal(settings.cache_path, "/c");
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_int_equal(settings.cache_size_max, 100 << 20);
    assert_int_equal(settings.target_count, 2);
    assert_string_equal(first->target.name, "auth-eu-1");
    assert_string_equal(first->service, "auth");
    assert_string_equal(first->target.conninfo, "host=/run/postgresql dbname=auth");
    assert_string_equal(first->target.role, "auth_owner");
    assert_string_equal(first->target.search_path, "auth, public");
    assert_int_equal(first->target.lock_timeout_ms, 2000);
    assert_int_equal(first->target.lock_budget_ms, 60000);
    assert_int_equal(first->target.timeout_ms, 600000);
    assert_int_equal(first->label_count, 2);
    assert_string_equal(first->labels[1].name, "region");
    assert_string_equal(first->labels[1].value, "eu");
    assert_int_equal(first->target.preflight.of[CHECK_LAG], POLICY_HOLD);
    assert_int_equal(first->target.preflight.of[CHECK_SLOTS], POLICY_REFUSE);
    assert_int_equal(first->target.preflight.of[CHECK_OLD], POLICY_DEFAULT);
    assert_int_equal(first->target.preflight.lag_ms, 10000);
    assert_int_equal(first->target.preflight.slot_bytes, 5 << 20);
    assert_int_equal(first->target.preflight.hold_ms, 60000);
    assert_string_equal(first->window.zone.name, "Europe/Berlin");
    assert_int_equal(window_length_ms(&first->window), 3 * 3600000);
    assert_int_equal(settings.targets[1].window.days, 0);
    assert_true(first->target.eviction.is_on);
    assert_int_equal(first->target.eviction.age_ms, 30000);
    assert_string_equal(first->target.eviction.applications, "reports\nbi");
    assert_false(settings.targets[1].target.eviction.is_on);
    assert_null(settings.targets[1].target.role);
    assert_int_equal(settings.targets[1].label_count, 0);
}

static void
refuses_what_is_wrong_and_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *where;
    } rows[] = {
        {HEAD TARGET "tagets: 1\n", "E-CFG-UNKNOWN", "agent.yaml:7:1"},
        {HEAD "targets:\n  - {name: t1, service: auth, database: d, rolle: x}\n", "E-DB-CONNINFO",
         "agent.yaml:6:41"},
        {HEAD "targets:\n  - {name: t1, service: auth, database: 'dbname=d', rolle: x}\n",
         "E-CFG-UNKNOWN", "agent.yaml:6:53"},
        {HEAD TARGET "agent: again\n", "E-CFG-DUP", "agent.yaml:7:1"},
        {HEAD "targets: []\n", "E-CFG-MISSING", "agent.yaml:1:1"},
        {HEAD, "E-CFG-MISSING", "agent.yaml:1:1"},
        {HEAD "targets: {}\n", "E-CFG-TYPE", "agent.yaml:5:10"},
        {HEAD "targets: [5]\n", "E-CFG-TYPE", "agent.yaml:5:11"},
        {HEAD "targets:\n  - {name: ../t1, service: auth, database: 'dbname=d'}\n", "E-NAME-SYNTAX",
         "agent.yaml:6:12"},
        {HEAD "targets:\n  - {name: t1, service: -x, database: 'dbname=d'}\n", "E-NAME-SYNTAX",
         "agent.yaml:6:25"},
        {HEAD "targets:\n  - {name: t1, service: s}\n", "E-CFG-MISSING", "agent.yaml:6:5"},
        {HEAD TARGET "  - {name: t1, service: auth, database: 'dbname=b'}\n", "E-CFG-DUP",
         "agent.yaml:7:12"},
        {HEAD "targets:\n  - {name: t1, service: auth, database: 'dbname=a password=geheim'}\n",
         "E-CFG-SECRET", "agent.yaml:6:41"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'postgres://u:geheim@h/d'}\n",
         "E-CFG-SECRET", "agent.yaml:6:38"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', lock_timeout: 0s}\n",
         "E-CFG-RANGE", "agent.yaml:6:64"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', labels: {a: [b]}}\n",
         "E-CFG-TYPE", "agent.yaml:6:62"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', labels: {a: 'b=c'}}\n",
         "E-NAME-SYNTAX", "agent.yaml:6:62"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', labels: x}\n",
         "E-CFG-TYPE", "agent.yaml:6:58"},
        {HEAD
         "targets:\n  - {name: t1, service: a, database: 'dbname=d', preflight: {lag: loud}}\n",
         "E-CFG-RANGE", "agent.yaml:6:67"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', evict: {after: 5s}}\n",
         "E-CFG-MISSING", "agent.yaml:6:57"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', evict: {applications:"
              " [a]}}\n",
         "E-CFG-MISSING", "agent.yaml:6:57"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', window: '22-04'}\n",
         "E-PLAN-RANGE", "agent.yaml:6:58"},
        {HEAD "targets:\n  - {name: t1, service: a, database: 'dbname=d', window: '22:00-04:00"
              " Europe/Bern'}\n",
         "E-PLAN-RANGE", "agent.yaml:6:58"},
        {HEAD "log: loud\n" TARGET, "E-CFG-RANGE", "agent.yaml:5:6"},
        {HEAD "limits: {cache_mib: 1}\n" TARGET, "E-CFG-RANGE", "agent.yaml:5:21"},
        {HEAD "limits: 1\n" TARGET, "E-CFG-TYPE", "agent.yaml:5:9"},
        {"agent: a b\n", "E-NAME-SYNTAX", "agent.yaml:1:8"},
        {"agent: a\n", "E-CFG-MISSING", "agent.yaml:1:1"},
        {"agent: a\ncoordinator: x\n", "E-CFG-TYPE", "agent.yaml:2:14"},
        {"agent: a\ncoordinator: {key: " KEY "}\n", "E-CFG-MISSING", "agent.yaml:2:14"},
        {"agent: a\ncoordinator: {endpoint: 'http://x', key: " KEY "}\n", "E-CFG-RANGE",
         "agent.yaml:2:25"},
        {"agent: a\ncoordinator: {endpoint: 'tcp://x:1', key: 12ab}\n", "E-KEY-FORMAT",
         "agent.yaml:2:43"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct agent_settings settings;
        struct error error;
        assert_false(parse(rows[i].text, &settings, &error));
        assert_string_equal(error.code, rows[i].code);
        assert_string_equal(error.where, rows[i].where);
    }
}

static void
names_the_means_instead_of_a_password_and_never_the_password(void **state)
{
    (void)state;
    struct agent_settings settings;
    struct error error;

    assert_false(parse(HEAD "targets:\n  - {name: t, service: a, database: 'password=geheim'}\n",
                       &settings, &error));

    assert_non_null(strstr(error.hint, "passfile"));
    assert_non_null(strstr(error.hint, "service file"));
    assert_non_null(strstr(error.hint, "peer"));
    assert_null(strstr(error.text, "geheim"));
    assert_null(strstr(error.found, "geheim"));
}

static void
bounds_labels(void **state)
{
    (void)state;
    CLEANUP(text_release) struct text text = {0};
    struct agent_settings settings;
    struct error error;

    text_append(&text, HEAD "targets:\n  - name: t1\n    service: a\n    database: dbname=d\n"
                            "    labels:\n");
    for (int i = 0; i <= LABELS_MAX; i++) {
        text_format(&text, "      l%d: x\n", i);
    }
    assert_false(parse(text.data, &settings, &error));
    assert_string_equal(error.code, "E-CFG-RANGE");
}

static void
refuses_a_file_that_is_not_there(void **state)
{
    (void)state;
    struct agent_settings settings;
    struct error error;

    assert_false(agent_settings_open("/nowhere/agent.yaml", &settings, &error));
    assert_string_equal(error.code, "E-CFG-OPEN");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_everything_there_is_to_say),
        cmocka_unit_test(refuses_what_is_wrong_and_says_where),
        cmocka_unit_test(names_the_means_instead_of_a_password_and_never_the_password),
        cmocka_unit_test(bounds_labels),
        cmocka_unit_test(refuses_a_file_that_is_not_there),
    };
    return RUN_TESTS(tests);
}
