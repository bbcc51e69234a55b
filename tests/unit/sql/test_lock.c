#include "common/sql/lock.h"

#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "tests/support/unit.h"
#include "tests/unit/sql/sample.h"

/* "users 8, app.orders 6": what the first statement of a text locks. */
static void
assert_locks(const char *sql, const char *expected)
{
    CLEANUP(sample_release) struct sample sample = split(sql);
    CLEANUP(text_release) struct text found = {0};

    assert_true(sample.is_split);
    const struct sql_locks *locks = &sample.script.statements[0].facts.locks;
    text_append(&found, "");
    for (size_t i = 0; i < locks->count; i++) {
        text_format(&found, "%s%s %d", i ? ", " : "", locks->locks[i].relation,
                    (int)locks->locks[i].mode);
    }
    if (strcmp(text_of(&found), expected) != 0) {
        fail_msg("%s: locks %s, not %s", sql, text_of(&found), expected);
    }
}

static void
a_change_of_a_table_locks_it_as_its_strongest_part_does(void **state)
{
    (void)state;

    assert_locks("ALTER TABLE users ADD COLUMN x int", "users 8");
    assert_locks("ALTER TABLE app.\"Users\" VALIDATE CONSTRAINT c", "app.\"Users\" 4");
    assert_locks("ALTER TABLE a VALIDATE CONSTRAINT c, DROP COLUMN d", "a 8");
    assert_locks("ALTER TABLE a DISABLE TRIGGER t", "a 6");
    assert_locks("ALTER TABLE a RENAME COLUMN x TO y", "a 8");
    assert_locks("ALTER TABLE a SET SCHEMA b", "a 8");
    assert_locks("ALTER INDEX i RENAME TO k", "i 4");
    assert_locks("ALTER TYPE mood ADD ATTRIBUTE x int", "");
}

static void
a_foreign_key_locks_both_ends(void **state)
{
    (void)state;

    assert_locks("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES s.b", "s.b 6, a 6");
    assert_locks("ALTER TABLE a ADD COLUMN b int REFERENCES b", "b 6, a 8");
    assert_locks("CREATE TABLE a (b int REFERENCES b, FOREIGN KEY (b) REFERENCES c)", "b 6, c 6");
}

static void
what_is_dropped_or_belongs_to_a_table_is_locked(void **state)
{
    (void)state;

    assert_locks("DROP TABLE a, s.b", "a 8, s.b 8");
    assert_locks("DROP TRIGGER t ON s.a", "s.a 8");
    assert_locks("DROP INDEX CONCURRENTLY i", "i 4");
    assert_locks("DROP FUNCTION f()", "");
    assert_locks("CREATE INDEX i ON a (b)", "a 5");
    assert_locks("CREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION f()", "a 6");
    assert_locks("LOCK TABLE a, b IN SHARE MODE", "a 5, b 5");
    assert_locks("LOCK TABLE a IN ROW SHARE MODE", "");
    assert_locks("TRUNCATE a, b", "a 8, b 8");
    assert_locks("ALTER TABLE p DETACH PARTITION q CONCURRENTLY", "q 8, p 4");
    assert_locks("ALTER TABLE p ATTACH PARTITION q DEFAULT", "q 8, p 4");
    assert_locks("CREATE TABLE q PARTITION OF s.p DEFAULT", "s.p 8");
    assert_locks("CREATE TABLE q () INHERITS (p)", "p 4");
}

/* What is read from the text alone is what the whole reading of effects says of the same text. */
static void
agrees_with_the_effects(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "ALTER TABLE users ADD COLUMN x int",
        "ALTER TABLE users VALIDATE CONSTRAINT c",
        "ALTER TABLE users ALTER COLUMN x TYPE bigint",
        "ALTER TABLE users ALTER COLUMN x SET STATISTICS 100",
        "ALTER TABLE users SET (fillfactor = 70)",
        "ALTER TABLE users DISABLE TRIGGER t",
        "ALTER TABLE users ADD FOREIGN KEY (x) REFERENCES others",
        "ALTER TABLE users ADD COLUMN y int REFERENCES others",
        "ALTER TABLE users RENAME TO people",
        "ALTER TABLE parent ATTACH PARTITION part DEFAULT",
        "ALTER TABLE parent DETACH PARTITION part",
        "ALTER TABLE parent DETACH PARTITION part CONCURRENTLY",
        "CREATE INDEX i ON users (x)",
        "CREATE INDEX CONCURRENTLY i ON users (x)",
        "CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f()",
        "DROP TABLE users",
        "TRUNCATE users",
        "LOCK TABLE users IN SHARE MODE",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY users",
        "CLUSTER users USING i",
    };

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        CLEANUP(sample_release) struct sample sample = split(statements[i]);
        struct effects effects;
        assert_true(sample.is_split);
        effects_read(&sample.script.statements[0], NULL, 15, &sample.arena, &effects);
        const struct sql_locks *locks = &sample.script.statements[0].facts.locks;
        assert_true(locks->count > 0);
        for (size_t k = 0; k < locks->count; k++) {
            enum lock_mode mode = LOCK_NONE;
            for (size_t r = 0; r < effects.relation_count; r++) {
                if (strcmp(effects.relations[r].name, locks->locks[k].relation) == 0) {
                    mode = effects.relations[r].lock;
                }
            }
            if (mode != locks->locks[k].mode) {
                fail_msg("%s: %s is locked %d, by its effects %d", statements[i],
                         locks->locks[k].relation, (int)locks->locks[k].mode, (int)mode);
            }
        }
    }
}

static void
what_an_application_does_is_not_told(void **state)
{
    (void)state;

    assert_locks("SELECT * FROM a", "");
    assert_locks("UPDATE a SET x = 1", "");
    assert_locks("CREATE TABLE a (x int)", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_a_table_locks_it_as_its_strongest_part_does),
        cmocka_unit_test(a_foreign_key_locks_both_ends),
        cmocka_unit_test(what_is_dropped_or_belongs_to_a_table_is_locked),
        cmocka_unit_test(what_an_application_does_is_not_told),
        cmocka_unit_test(agrees_with_the_effects),
    };
    return RUN_TESTS(tests);
}
