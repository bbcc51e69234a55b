#include "tests/support/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/postgres/connection.h"
#include "tests/support/cluster.h"

/* Sanitizers hold back what is freed, and what is in use cannot be told from it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEPS_FREED_MEMORY true
#endif
#endif
#ifndef KEEPS_FREED_MEMORY
#define KEEPS_FREED_MEMORY false
#endif

static struct cluster *cluster;

/* ---- a connection to the cluster --------------------------------------------------------------
 */

struct call {
    struct interrupt *interrupt;
    struct connection *connection;
    struct error error;
};

static void
call_end(struct call *call)
{
    connection_close(&call->connection);
    interrupt_destroy(&call->interrupt);
}

static bool
call_open(struct call *call, const char *conninfo)
{
    struct connection_config config = {.conninfo = conninfo, .application_name = "test"};

    call->interrupt = interrupt_new();
    config.interrupt = call->interrupt;
    return connection_open(&config, &call->connection, &call->error);
}

static void
call_begin(struct call *call)
{
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, "postgres", "postgres");

    if (!call_open(call, conninfo)) {
        fail_msg("%s: %s", call->error.code, call->error.text);
    }
}

static struct patience
within_ms(int64_t ms)
{
    return (struct patience){.deadline_ms = clock_now_ms() + ms, .heeds_interrupt = true};
}

static void
expect_usable(struct call *call)
{
    struct patience patience = within_ms(10000);

    assert_true(connection_run(call->connection, "SELECT 42", &patience));
    assert_string_equal(connection_cell(call->connection, 0, 0, 0), "42");
}

/* ---- queries ----------------------------------------------------------------------------------
 */

static void
keeps_what_each_statement_answers(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct patience patience = within_ms(10000);
    uint8_t bytes[3];
    call_begin(&call);

    assert_true(connection_run(call.connection,
                               "SELECT 1, NULL; CREATE TEMP TABLE t (i int); INSERT INTO t VALUES"
                               " (1), (2); SELECT i FROM t; SELECT '\\x010203'::bytea",
                               &patience));
    assert_int_equal(connection_answer_count(call.connection), 5);
    assert_string_equal(connection_cell(call.connection, 0, 0, 0), "1");
    assert_null(connection_cell(call.connection, 0, 0, 1));
    assert_string_equal(connection_tag(call.connection, 2), "INSERT 0 2");
    assert_int_equal(connection_row_count(call.connection, 3), 2);
    assert_string_equal(connection_cell(call.connection, 3, 1, 0), "2");
    assert_true(connection_cell_bytes(call.connection, 4, 0, 0, bytes, sizeof bytes));
    assert_memory_equal(bytes, "\1\2\3", 3);
    assert_false(connection_cell_bytes(call.connection, 4, 0, 0, bytes, 2));
}

static void
says_what_went_wrong_and_what_did_not(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct patience patience = within_ms(10000);
    call_begin(&call);

    assert_false(connection_run(call.connection, "SELECT 1; SELECT nosuch; SELECT 3", &patience));
    const struct sql_error *error = connection_error(call.connection);
    assert_int_equal(connection_answer_count(call.connection), 1);
    assert_string_equal(error->sqlstate, "42703");
    assert_int_equal(error->position, 18);
    assert_false(error->is_lost);
    assert_int_equal(error->canceled, CANCEL_NONE);
    expect_usable(&call);
}

static void
carries_out_one_command_and_no_more(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct patience patience = within_ms(10000);
    struct command_end end;
    call_begin(&call);

    assert_true(connection_command(call.connection, "SELECT 1 = 2", &patience, &end));
    assert_true(end.is_false);
    assert_int_equal(end.rows, 1);
    assert_true(connection_command(call.connection, "SELECT i < 2 FROM generate_series(1, 3) i",
                                   &patience, &end));
    assert_false(end.is_false); /* the first row counts */
    assert_true(
        connection_command(call.connection, "CREATE TEMP TABLE t (i int)", &patience, &end));
    assert_string_equal(end.tag, "CREATE TABLE");
    assert_false(connection_command(call.connection, "SELECT 1; SELECT 2", &patience, &end));
    assert_string_equal(connection_error(call.connection)->sqlstate, "42601");
}

static void
sends_what_is_larger_than_any_buffer(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = within_ms(30000);
    call_begin(&call);

    text_append(&sql, "SELECT length('");
    for (int i = 0; i < 8 << 10; i++) {
        char kilobyte[1025];
        memset(kilobyte, 'x', 1024);
        text_append_bytes(&sql, kilobyte, 1024);
    }
    text_append(&sql, "')");
    assert_true(connection_run(call.connection, text_of(&sql), &patience));
    assert_string_equal(connection_cell(call.connection, 0, 0, 0), "8388608");
}

static void
keeps_no_rows_that_nobody_wants(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct patience patience = within_ms(60000);
    struct command_end end;
    struct rusage before, after;
    call_begin(&call);

    getrusage(RUSAGE_SELF, &before);
    assert_true(connection_command(call.connection,
                                   "SELECT i, repeat('x', 200) FROM generate_series(1, 500000) i",
                                   &patience, &end));
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(end.rows, 500000);
    if (!KEEPS_FREED_MEMORY) {
        assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 20 << 10); /* of 100 MB */
    }
}

static void
counts_notices_and_keeps_the_last_warning(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct patience patience = within_ms(10000);
    struct command_end end;
    call_begin(&call);

    assert_true(connection_command(call.connection,
                                   "DO $$ BEGIN RAISE NOTICE 'a'; RAISE WARNING 'careful'; RAISE"
                                   " NOTICE 'b'; END $$",
                                   &patience, &end));
    assert_int_equal(connection_notice_count(call.connection), 3);
    assert_string_equal(connection_last_warning(call.connection), "careful");
}

static void
quotes_whatever_it_is_given(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    CLEANUP(text_release) struct text sql = {0};
    struct patience patience = within_ms(10000);
    static const char nasty[] = "it's \\ a \"test\"; DROP TABLE x; -- é";
    call_begin(&call);

    text_append(&sql, "SET standard_conforming_strings = off; SELECT ");
    connection_literal(call.connection, &sql, nasty);
    text_append(&sql, " AS ");
    connection_identifier(call.connection, &sql, nasty);
    text_append(&sql, ", ");
    connection_literal(call.connection, &sql, NULL);
    text_append(&sql, ", ");
    connection_bytes(call.connection, &sql, nasty, sizeof nasty);
    assert_true(connection_run(call.connection, text_of(&sql), &patience));
    assert_string_equal(connection_cell(call.connection, 1, 0, 0), nasty);
    assert_null(connection_cell(call.connection, 1, 0, 1));
    char bytes[sizeof nasty];
    assert_true(connection_cell_bytes(call.connection, 1, 0, 2, bytes, sizeof bytes));
    assert_string_equal(bytes, nasty);
}

/* ---- waits ------------------------------------------------------------------------------------
 */

static void
ends_a_query_at_its_deadline(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct command_end end;
    call_begin(&call);
    int64_t began_ms = clock_now_ms();
    struct patience patience = within_ms(200);

    assert_false(connection_command(call.connection, "SELECT pg_sleep(600)", &patience, &end));
    assert_int_equal(connection_error(call.connection)->canceled, CANCEL_DEADLINE);
    assert_string_equal(connection_error(call.connection)->sqlstate, "57014");
    assert_in_range(clock_now_ms() - began_ms, 200, 8000);
    expect_usable(&call);
}

static void *
raise_soon(void *context)
{
    struct interrupt *interrupt = context;

    usleep(100000);
    interrupt_raise(interrupt);
    return NULL;
}

static void
ends_a_query_when_another_thread_says_so(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct patience patience = {.heeds_interrupt = true};
    struct command_end end;
    pthread_t thread;
    call_begin(&call);

    assert_int_equal(pthread_create(&thread, NULL, raise_soon, call.interrupt), 0);
    assert_false(connection_command(call.connection, "SELECT pg_sleep(600)", &patience, &end));
    pthread_join(thread, NULL);
    assert_int_equal(connection_error(call.connection)->canceled, CANCEL_INTERRUPT);

    /* It stays raised, and who must not heed it does not. */
    assert_true(interrupt_is_raised(call.interrupt));
    patience.heeds_interrupt = false;
    assert_true(connection_command(call.connection, "SELECT pg_sleep(0.05)", &patience, &end));
    assert_false(interrupt_sleep(call.interrupt, 60000));
    interrupt_clear(call.interrupt);
    assert_true(interrupt_sleep(call.interrupt, 1));
    expect_usable(&call);
}

/* Looks twice, 100 ms apart, and not again. */
static int64_t
note_look(void *context)
{
    return ++*(int *)context < 2 ? 100 : 0;
}

static void
looks_as_often_as_it_wants_to_when_an_answer_takes_long(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct command_end end;
    int looks = 0;
    struct patience patience = {.look_after_ms = 50, .look = note_look, .context = &looks};
    call_begin(&call);

    assert_true(connection_command(call.connection, "SELECT 1", &patience, &end));
    assert_int_equal(looks, 0);
    assert_true(connection_command(call.connection, "SELECT pg_sleep(0.4)", &patience, &end));
    assert_int_equal(looks, 2);
}

static void
knows_that_it_is_lost(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct patience patience = within_ms(10000);
    struct command_end end;
    call_begin(&call);

    assert_false(connection_command(
        call.connection, "SELECT pg_terminate_backend(pg_backend_pid())", &patience, &end));
    assert_true(connection_error(call.connection)->is_lost);
    assert_string_equal(connection_error(call.connection)->sqlstate, "57P01");
    assert_true(connection_is_lost(call.connection));
    assert_false(connection_run(call.connection, "SELECT 1", &patience));
    assert_true(connection_error(call.connection)->is_lost);
}

static void
gives_a_server_up_that_does_not_answer_at_all(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    struct command_end end;
    call_begin(&call);
    pid_t backend = connection_backend_pid(call.connection);
    struct patience patience = within_ms(100);
    int64_t began_ms = clock_now_ms();

    kill(backend, SIGSTOP);
    bool answered = connection_command(call.connection, "SELECT 1", &patience, &end);
    kill(backend, SIGCONT);
    assert_false(answered);
    assert_true(connection_is_lost(call.connection));
    assert_int_equal(connection_error(call.connection)->canceled, CANCEL_DEADLINE);
    assert_in_range(clock_now_ms() - began_ms, 1000, 40000);
}

/* ---- not let in -------------------------------------------------------------------------------
 */

static void
expect_refusal(const char *conninfo, const char *code, const char *says)
{
    CLEANUP(call_end) struct call call = {0};

    assert_false(call_open(&call, conninfo));
    if (strcmp(call.error.code, code) != 0 || !strstr(call.error.text, says)) {
        fail_msg("%s: %s; wanted %s: %s", call.error.code, call.error.text, code, says);
    }
    assert_null(strstr(call.error.text, "hunter2"));
    assert_null(strstr(call.error.hint, "hunter2"));
}

static void
says_why_it_was_not_let_in(void **state)
{
    (void)state;
    int port = cluster_port(cluster);
    CLEANUP(mem_free) char *limited = cluster_conninfo(cluster, "postgres", "limited");
    CLEANUP(mem_free) char *private = cluster_conninfo(cluster, "private", "limited");
    CLEANUP(mem_free)
    char *tls =
        mem_format("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=require", port);
    cluster_tell(cluster, "postgres", "CREATE ROLE limited LOGIN");
    cluster_tell(cluster, "postgres", "CREATE DATABASE private");
    cluster_tell(cluster, "postgres", "REVOKE CONNECT ON DATABASE private FROM PUBLIC");

    expect_refusal(private, "E-DB-PRIV", "permission denied");
    cluster_tell(cluster, "postgres", "ALTER ROLE limited CONNECTION LIMIT 0");
    expect_refusal(limited, "E-DB-CONNECTIONS", "too many");
    expect_refusal(tls, "E-DB-TLS", "SSL");
}

/* A server with a certificate that nobody has signed. */
static bool
turn_tls_on(void)
{
    const char *folder = cluster_directory(cluster);
    CLEANUP(mem_free)
    char *make = mem_format("cd %s/data && openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj"
                            " /CN=elsewhere -keyout server.key -out server.crt 2>/dev/null &&"
                            " chmod 0600 server.key && chown %u server.key server.crt",
                            folder, (unsigned)cluster_uid());

    if (system(make) != 0) { /* NOLINT(cert-env33-c): a test's own command */
        return false;
    }
    cluster_tell(cluster, "postgres", "ALTER SYSTEM SET ssl = on");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
    return cluster_await(cluster, "postgres", "SHOW ssl", "on");
}

static void
trusts_no_server_that_cannot_prove_who_it_is(void **state)
{
    (void)state;
    if (!turn_tls_on()) {
        print_message("skipped: no openssl on this machine\n");
        skip();
    }
    const char *folder = cluster_directory(cluster);
    CLEANUP(mem_free)
    char *base =
        mem_format("host=127.0.0.1 port=%d user=postgres dbname=postgres", cluster_port(cluster));
    CLEANUP(mem_free) char *unknown = mem_format("%s sslmode=verify-full", base);
    CLEANUP(mem_free)
    char *unsigned_by = mem_format("%s sslmode=verify-ca sslrootcert=/etc/ssl/certs/"
                                   "ca-certificates.crt",
                                   base);
    CLEANUP(mem_free)
    char *other_name =
        mem_format("%s sslmode=verify-full sslrootcert=%s/data/server.crt", base, folder);
    CLEANUP(mem_free)
    char *known = mem_format("%s sslmode=verify-ca sslrootcert=%s/data/server.crt", base, folder);
    CLEANUP(call_end) struct call call = {0};

    expect_refusal(unknown, "E-DB-TLS", "certificate");
    expect_refusal(unsigned_by, "E-DB-TLS", "certificate");
    expect_refusal(other_name, "E-DB-TLS", "elsewhere");
    assert_true(call_open(&call, known));
}

static void
write_file(const char *path, mode_t mode, const char *content)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void
takes_passwords_from_a_private_passfile_only(void **state)
{
    (void)state;
    CLEANUP(mem_free) char *hba = mem_format("%s/data/pg_hba.conf", cluster_directory(cluster));
    CLEANUP(mem_free) char *passfile = mem_format("%s/passfile", cluster_directory(cluster));
    CLEANUP(mem_free) char *plain = cluster_conninfo(cluster, "postgres", "locked");
    CLEANUP(mem_free) char *conninfo = mem_format("%s passfile=%s", plain, passfile);
    CLEANUP(call_end) struct call call = {0};
    cluster_tell(cluster, "postgres", "CREATE ROLE locked LOGIN PASSWORD 'hunter2'");
    write_file(hba, 0644,
               "local all locked scram-sha-256\nlocal all all trust\nhost all all all trust\n");
    cluster_tell(cluster, "postgres", "SELECT pg_reload_conf()");
    assert_true(cluster_await(cluster, "postgres",
                              "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method ="
                              " 'scram-sha-256'",
                              "1"));

    write_file(passfile, 0600, "");
    expect_refusal(conninfo, "E-DB-AUTH", "password");
    write_file(passfile, 0600, "*:*:*:locked:wrong\n");
    expect_refusal(conninfo, "E-DB-AUTH", "28P01");
    write_file(passfile, 0644, "*:*:*:locked:hunter2\n");
    expect_refusal(conninfo, "E-DB-PASSFILE", "others may read it");
    write_file(passfile, 0600, "*:*:*:locked:hunter2\n");
    assert_true(call_open(&call, conninfo));
    assert_int_equal(strncmp(connection_place(call.connection), "locked@/", 8), 0);
}

static void
waits_no_longer_for_a_server_than_it_is_told(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP(mem_free) char *folder = mem_text("/tmp/skein-mute-XXXXXX");
    assert_non_null(mkdtemp(folder));
    CLEANUP(mem_free)
    char *conninfo = mem_format("host=%s port=1 user=x dbname=y connect_timeout=1", folder);
    CLEANUP(mem_free) char *patient = mem_format("host=%s port=1 user=x dbname=y", folder);
    CLEANUP(call_end) struct call call = {0};
    pthread_t thread;

    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.1", folder);
    int mute = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(mute, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(mute, 5), 0);

    int64_t began_ms = clock_now_ms();
    expect_refusal(conninfo, "E-DB-UNREACHABLE", "no answer");
    assert_in_range(clock_now_ms() - began_ms, 900, 5000);

    struct connection_config config = {.conninfo = patient, .application_name = "test"};
    config.interrupt = call.interrupt = interrupt_new();
    assert_int_equal(pthread_create(&thread, NULL, raise_soon, call.interrupt), 0);
    assert_false(connection_open(&config, &call.connection, &call.error));
    pthread_join(thread, NULL);
    assert_string_equal(call.error.code, "E-STOPPED");
    close(mute);
    unlink(address.sun_path);
    rmdir(folder);
}

static void
says_that_a_server_is_shutting_down(void **state)
{
    (void)state;
    CLEANUP(call_end) struct call call = {0};
    CLEANUP(mem_free) char *conninfo = cluster_conninfo(cluster, "postgres", "postgres");
    call_begin(&call);

    kill(cluster_postmaster(cluster), SIGTERM); /* smart: it waits for our session */
    int64_t end_ms = clock_now_ms() + 10000;
    for (;;) {
        CLEANUP(call_end) struct call other = {0};
        if (!call_open(&other, conninfo)) {
            assert_string_equal(other.error.code, "E-DB-RESTART");
            break;
        }
        assert_true(clock_now_ms() < end_ms);
    }
    cluster_stop(cluster, SIGINT);
    cluster_start(cluster);
}

/* ---- conninfo ---------------------------------------------------------------------------------
 */

static void
refuses_secrets_and_never_repeats_them(void **state)
{
    static const struct {
        const char *conninfo, *code;
    } rows[] = {
        {"host=/tmp dbname=x user=y", NULL},
        {"postgresql://role@host:5432/db?sslmode=verify-full", NULL},
        {"service=auth", NULL},
        {"host=h passfile=/etc/skein/passfile", NULL},
        {"", NULL},
        {"host=h password=hunter2", "E-SECRET-ARGV"},
        {"host=h password = 'hunter2'", "E-SECRET-ARGV"},
        {"host=h sslpassword=hunter2", "E-SECRET-ARGV"},
        {"postgresql://role:hunter2@host/db", "E-SECRET-ARGV"},
        {"postgres://role:hunter%32@host/db", "E-SECRET-ARGV"},
        {"postgresql://host/db?user=r&password=hunter2", "E-SECRET-ARGV"},
        {"host=h password hunter2", "E-SECRET-ARGV"},
        {"http://role:hunter2@host/db", "E-SECRET-ARGV"},
        {"hunter2", "E-DB-CONNINFO"},
        {"host=h nosuch=hunter2", "E-DB-CONNINFO"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error error = {0};
        bool is_fine = connection_check_conninfo(rows[i].conninfo, &error);
        if (is_fine != !rows[i].code || (!is_fine && strcmp(error.code, rows[i].code) != 0)) {
            fail_msg("%s: %s", rows[i].conninfo, error.code);
        }
        assert_null(strstr(error.text, "hunter"));
        assert_null(strstr(error.found, "hunter"));
        assert_null(strstr(error.where, "hunter"));
        assert_null(strstr(error.hint, "hunter"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_each_statement_answers),
        cmocka_unit_test(says_what_went_wrong_and_what_did_not),
        cmocka_unit_test(carries_out_one_command_and_no_more),
        cmocka_unit_test(sends_what_is_larger_than_any_buffer),
        cmocka_unit_test(keeps_no_rows_that_nobody_wants),
        cmocka_unit_test(counts_notices_and_keeps_the_last_warning),
        cmocka_unit_test(quotes_whatever_it_is_given),
        cmocka_unit_test(ends_a_query_at_its_deadline),
        cmocka_unit_test(ends_a_query_when_another_thread_says_so),
        cmocka_unit_test(looks_as_often_as_it_wants_to_when_an_answer_takes_long),
        cmocka_unit_test(knows_that_it_is_lost),
        cmocka_unit_test(gives_a_server_up_that_does_not_answer_at_all),
        cmocka_unit_test(says_why_it_was_not_let_in),
        cmocka_unit_test(trusts_no_server_that_cannot_prove_who_it_is),
        cmocka_unit_test(takes_passwords_from_a_private_passfile_only),
        cmocka_unit_test(waits_no_longer_for_a_server_than_it_is_told),
        cmocka_unit_test(says_that_a_server_is_shutting_down),
        cmocka_unit_test(refuses_secrets_and_never_repeats_them),
    };

    return RUN_TESTS_ON(cluster, "listen_addresses = '127.0.0.1'", tests);
}
