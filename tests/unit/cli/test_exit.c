#include <string.h>

#include "coordinator/cli/exit.h"
#include "tests/support/unit.h"

static void
follows_from_the_code_of_the_error(void **state)
{
    static const struct {
        const char *code;
        int status;
    } cases[] = {
        {"E-CLI-USAGE", 2},
        {"E-CLI-RANGE", 2},
        {"E-CLI-CONFIRM", 2},
        {"E-SECRET-ARGV", 2},
        {"E-NAME-SYNTAX", 3},
        {"E-SEL-EMPTY", 3},
        {"E-SEL-TOO-MANY", 3},
        {"E-CFG-UNKNOWN", 3},
        {"E-CFG-PERM", 3},
        {"E-KEY-FORMAT", 3},
        {"E-MIG-CHECKSUM", 3},
        {"E-SIG-DIGEST", 3},
        {"E-AUTH-REVOKED", 4},
        {"E-AUTH-ROLE", 4},
        {"E-RUN-UNKNOWN", 5},
        {"E-STEP-STATE", 5},
        {"E-PLAN-UNKNOWN", 5},
        {"E-PLAN-RANGE", 3},
        {"E-NET-UNREACHABLE", 6},
        {"E-NET-INTERRUPTED", 6},
        {"E-KEY-SERVER-MISMATCH", 6},
        {"E-TARGET-UNREACHABLE", 6},
        {"E-TARGET-BUSY", 5},
        {"E-DB-STANDBY", 5},
        {"E-DB-AUTH", 4},
        {"E-DB-TLS", 4},
        {"E-DB-PASSFILE", 4},
        {"E-HIST-TAMPERED", 5},
        {"E-DB-UNREACHABLE", 6},
        {"E-SQL", 7},
        {"E-STORE-FULL", 7},
        {"E-DB-LOST", 6},
        {"E-DB-RESTART", 6},
        {"E-PROTO-DECODE", 70},
        {"something else", 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if ((int)exit_status_of(cases[i].code) != cases[i].status) {
            fail_msg("%s leads to %d", cases[i].code, (int)exit_status_of(cases[i].code));
        }
    }
}

static void
takes_the_gravest_of_several(void **state)
{
    static const int order[] = {70, 7, 3, 4, 5, 6, 0};

    (void)state;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        for (size_t j = i; j < sizeof order / sizeof *order; j++) {
            assert_int_equal(exit_status_gravest(order[i], order[j]), order[i]);
            assert_int_equal(exit_status_gravest(order[j], order[i]), order[i]);
        }
    }
}

static void
has_a_meaning_for_every_status_that_is_used(void **state)
{
    static const int used[] = {0, 1, 2, 3, 4, 5, 6, 7, 70};

    (void)state;
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        assert_non_null(exit_meaning(used[i]));
    }
    assert_null(exit_meaning(8));
    assert_null(exit_meaning(-1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_from_the_code_of_the_error),
        cmocka_unit_test(takes_the_gravest_of_several),
        cmocka_unit_test(has_a_meaning_for_every_status_that_is_used),
    };
    return RUN_TESTS(tests);
}
