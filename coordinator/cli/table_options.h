/*
 * table_options: the options of the commands, and the arguments that several of them have. The
 * other half of table.c, which alone includes it.
 */
#ifndef COORDINATOR_CLI_TABLE_OPTIONS_H
#define COORDINATOR_CLI_TABLE_OPTIONS_H

#include "coordinator/cli/command.h"

/* Keep --on-failure in the order of enum on_failure, --role in that of enum role. */
static const char *const failure_choices[] = {"halt", "rollback", "continue", NULL};
static const char *const role_choices[] = {"viewer", "operator", "admin", NULL};
static const char *const machine_formats[] = {"text", "mermaid", "dot", "markdown", NULL};
static const char *const errors_formats[] = {"text", "markdown", NULL};
static const char *const patterns_formats[] = {"text", "markdown", NULL};
static const char *const manual_formats[] = {"markdown", "man", NULL};
static const char *const colour_choices[] = {"auto", "always", "never", NULL};
/* Keep these in the order of enum report_format, and of enum severity from the note on. */
static const char *const lint_formats[] = {"text", "json", "sarif", "junit", "github", NULL};
static const char *const severity_choices[] = {"note", "warning", "error", NULL};
static const char *const rules_formats[] = {"text", "markdown", NULL};
static const char *const shells[] = {"bash", "zsh", "fish", NULL};

/* ---- options ------------------------------------------------------------------------------- */

#define OPTION(name_, kind_, metavar_, fallback_, min_, max_, choices_, sentence_)                 \
    {                                                                                              \
        .name = name_, .kind = kind_, .metavar = metavar_, .fallback = fallback_, .min = min_,     \
        .max = max_, .choices = choices_, .sentence = sentence_                                    \
    }
#define FLAG(name_, sentence_)                                                                     \
    {                                                                                              \
        .name = name_, .kind = VALUE_FLAG, .sentence = sentence_                                   \
    }

static const struct command_option option_context =
    OPTION("context", VALUE_NAME, "NAME", NULL, 0, 0, NULL,
           "the coordinator to ask, by its name in contexts.yaml (SKEIN_CONTEXT)");
static const struct command_option option_timeout =
    OPTION("timeout", VALUE_DURATION, "TIME", "10s", 100, 3600000, NULL,
           "how long to wait for an answer of the coordinator");
static const struct command_option option_json = FLAG("json", "print data and errors as JSON");
static const struct command_option option_colour =
    OPTION("color", VALUE_CHOICE, "WHEN", "auto", 0, 0, colour_choices,
           "colours: auto (on a terminal, unless NO_COLOR is set), always, never");
static const struct command_option option_help = {
    .name = "help", .letter = 'h', .kind = VALUE_FLAG, .sentence = "say what the command does"};
static const struct command_option option_version = FLAG("version", "print the version");

static const struct command_option option_select = OPTION(
    "select", VALUE_TEXT, "LABELS", NULL, 0, 0, NULL,
    "only targets with these labels: env=prod,region!=eu (service and target count as labels)");
static const struct command_option option_to =
    OPTION("to", VALUE_VERSION, "VERSION", NULL, 0, 0, NULL, "go to this version, not the newest");
static const struct command_option option_to_back =
    OPTION("to", VALUE_VERSION, "VERSION", NULL, 0, 0, NULL,
           "undo what is above this version; 0: everything");
static const struct command_option option_waves =
    OPTION("waves", VALUE_SHARES, "SHARE,…", "1,10%,100%", 1, 100000, NULL,
           "how many targets, or percent of them, each wave goes up to");
static const struct command_option option_waves_back =
    OPTION("waves", VALUE_SHARES, "SHARE,…", "100%", 1, 100000, NULL,
           "how many targets, or percent of them, each wave goes up to");
static const struct command_option option_parallel = OPTION(
    "parallel", VALUE_NUMBER, "N", "8", 1, 1000, NULL, "how many targets go at the same time");
static const struct command_option option_budget =
    OPTION("budget", VALUE_SHARE, "N|N%", "0", 0, 100000, NULL,
           "how many targets may fail before the run halts");
static const struct command_option option_on_failure =
    OPTION("on-failure", VALUE_CHOICE, "WHAT", "halt", 0, 0, failure_choices,
           "when the budget is spent: halt, rollback what this run did, or continue");
static const struct command_option option_max_targets =
    OPTION("max-targets", VALUE_NUMBER, "N", "1000", 1, 100000, NULL,
           "refuse a selection of more targets than this");
static const struct command_option option_yes_all =
    FLAG("yes-all", "however many targets are selected, it is meant");
static const struct command_option option_out_of_order =
    FLAG("out-of-order", "allow versions below the newest that is applied");
static const struct command_option option_skip_refused =
    FLAG("skip-refused", "go without the targets that cannot take part");
static const struct command_option option_lock_timeout =
    OPTION("lock-timeout", VALUE_DURATION, "TIME", NULL, 1, 3600000, NULL,
           "how long a statement may wait for a lock, where its file does not say");
static const struct command_option option_step_timeout =
    OPTION("step-timeout", VALUE_DURATION, "TIME", NULL, 1, 86400000, NULL,
           "how long one migration may take, where its file does not say");
static const struct command_option option_window =
    OPTION("window", VALUE_TEXT, "WINDOW", NULL, 0, 0, NULL,
           "when it may work: 22:00-04:00 (in UTC), or Sat,Sun 02:00-05:00 Europe/Berlin; outside "
           "it waits");
static const struct command_option option_migrations =
    OPTION("migrations", VALUE_FOLDER, "DIR", NULL, 0, 0, NULL,
           "the folder of the service's migrations, instead of what skein.yaml says");
static const struct command_option option_layout = OPTION(
    "layout", VALUE_TEXT, "NAME", "auto", 0, 0, NULL,
    "with --migrations: how the folder is kept: auto, pairs, dbmate, diesel, drizzle, flyway, "
    "goose, graphile-migrate, maragu, node-pg-migrate, popx, prisma, sourcegraph, sql-migrate, "
    "sqitch, sqlx, supabase");
static const struct command_option option_accept =
    OPTION("accept", VALUE_TEXT, "CODE,…", NULL, 0, 0, NULL,
           "with --migrations: what to note and not to refuse in old files: E-MIG-IDENT, "
           "E-MIG-TXCTL, E-MIG-EMPTY, E-MIG-NAME, E-MIG-MISSING");
static const struct command_option option_verify =
    FLAG("verify", "look whether the journal, and what is applied, is what was written there");
static const struct command_option option_accept_history =
    OPTION("accept", VALUE_TEXT, "REASON", NULL, 0, 0, NULL,
           "take a history that somebody has changed as it is from now on; the reason is kept");
static const struct command_option option_sql = FLAG("sql", "show the SQL that would run");
static const struct command_option option_all_rows =
    FLAG("all", "show every target, not only the first of each wave");
static const struct command_option option_plan =
    OPTION("plan", VALUE_TEXT, "ID", NULL, 0, 0, NULL,
           "do exactly what this plan has shown (skein plan prints its id)");
static const struct command_option option_watch =
    FLAG("watch", "stay and show how it goes until it has ended");
static const struct command_option option_yes = FLAG("yes", "do it without asking");
static const struct command_option option_every_run = FLAG("all", "every run of the fleet");
static const struct command_option option_limit =
    OPTION("limit", VALUE_NUMBER, "N", "20", 1, 100000, NULL, "how many to show, the newest first");
static const struct command_option option_failing =
    FLAG("failing", "only the targets that have failed");

static const struct command_option option_key = {
    .name = "key",
    .kind = VALUE_FILE,
    .metavar = "KEY",
    .is_required = true,
    .sentence = "its public key: 64 hex digits, or the path of a .pub file"};
static const struct command_option option_role = {
    .name = "role",
    .kind = VALUE_CHOICE,
    .metavar = "ROLE",
    .choices = role_choices,
    .is_required = true,
    .sentence = "what it may do: viewer (look), operator (roll out), admin (enrol)"};
static const struct command_option option_dir =
    OPTION("dir", VALUE_FOLDER, "DIR", NULL, 0, 0, NULL,
           "where to; otherwise the folder of contexts.yaml");

static const struct command_option option_database = {
    .name = "database",
    .kind = VALUE_TEXT,
    .metavar = "CONNINFO",
    .is_required = true,
    .sentence = "the database, as libpq takes it: \"dbname=auth\", postgresql://host/auth; without "
                "a password"};
static const struct command_option option_role_sql =
    OPTION("role", VALUE_NAME, "ROLE", NULL, 0, 0, NULL, "SET ROLE for the migrations");

static const char *const trust_choices[] = {"neither", "table", "journal", NULL};
static const struct command_option option_one_database =
    OPTION("database", VALUE_TEXT, "CONNINFO", NULL, 0, 0, NULL,
           "one database, as libpq takes it: \"dbname=auth\", postgresql://host/auth; without a "
           "password");
static const struct command_option option_trust =
    OPTION("trust", VALUE_CHOICE, "WHOM", "neither", 0, 0, trust_choices,
           "where the journal has what the table has not: the table (it was taken back with the "
           "tool), or the journal (it was not mirrored: the table gets it)");
static const struct command_option option_edited =
    FLAG("edited", "files that were changed after the tool applied them are taken as they are now");
static const struct command_option option_dry_run =
    FLAG("dry-run", "show what would be done, and change nothing");
static const struct command_option option_nothing =
    FLAG("nothing", "no other tool's table in the database is about this service");

static const struct command_option option_init_service =
    OPTION("service", VALUE_NAME, "SERVICE", "app", 0, 0, NULL, "what the service is called");
static const struct command_option option_repository =
    OPTION("repository", VALUE_TEXT, "URL", NULL, 0, 0, NULL,
           "the git repository that hooks and pipelines take Skein from; otherwise the hook takes "
           "the one that is installed, and the pipelines a variable");
static const struct command_option option_service =
    OPTION("service", VALUE_NAME, "SERVICE", NULL, 0, 0, NULL,
           "for which service of skein.yaml; needed when it has several");
static const struct command_option option_pattern =
    OPTION("pattern", VALUE_NAME, "PATTERN", NULL, 0, 0, NULL,
           "from this pattern of the library; otherwise an empty one");
static const struct command_option option_set = {
    .name = "set",
    .kind = VALUE_TEXT,
    .metavar = "NAME=VALUE",
    .is_repeatable = true,
    .sentence = "a parameter of the pattern; may be given several times"};
static const struct command_option option_new_verify =
    FLAG("verify", "a file of checks, too, for an empty one");
static const struct command_option option_new_migrations =
    OPTION("migrations", VALUE_FOLDER, "DIR", NULL, 0, 0, NULL,
           "into this folder, instead of what skein.yaml says");
static const struct command_option option_patterns_format =
    OPTION("format", VALUE_CHOICE, "FORMAT", "text", 0, 0, patterns_formats, "text or markdown");

static const struct command_option option_machine_format =
    OPTION("format", VALUE_CHOICE, "FORMAT", "text", 0, 0, machine_formats,
           "text, mermaid, dot or markdown");
static const struct command_option option_errors_format =
    OPTION("format", VALUE_CHOICE, "FORMAT", "text", 0, 0, errors_formats, "text or markdown");
static const struct command_option option_manual_format =
    OPTION("format", VALUE_CHOICE, "FORMAT", "markdown", 0, 0, manual_formats, "markdown or man");
static const struct command_option option_out =
    OPTION("out", VALUE_FOLDER, "DIR", NULL, 0, 0, NULL, "write one file for each page there");

static const struct command_option option_changed_since =
    OPTION("changed-since", VALUE_TEXT, "REV", NULL, 0, 0, NULL,
           "only files that git knows to differ from where this branch has left REV");
static const struct command_option option_lint_format = OPTION(
    "format", VALUE_CHOICE, "FORMAT", "text", 0, 0, lint_formats,
    "text, json, sarif (2.1.0, for code scanning), junit, or github (annotations of a workflow)");
static const struct command_option option_fail_on =
    OPTION("fail-on", VALUE_CHOICE, "SEVERITY", NULL, 0, 0, severity_choices,
           "from which severity on findings make the exit status 1: note, warning, error; "
           "otherwise as skein.yaml says, or error");
static const struct command_option option_lint_database =
    OPTION("database", VALUE_TEXT, "CONNINFO", NULL, 0, 0, NULL,
           "how grave a finding is follows the sizes of this database's tables, and its version");
static const struct command_option option_lint_databases =
    OPTION("databases", VALUE_FILE, "FILE", NULL, 0, 0, NULL,
           "the same for many: a line for each, its name and its CONNINFO");
static const struct command_option option_lint_fleet =
    OPTION("fleet", VALUE_NAME, "SERVICE", NULL, 0, 0, NULL,
           "the same for all targets of this service, or those of --select, by their agents");
static const struct command_option option_fix =
    FLAG("fix", "write the files anew where a finding can be put right mechanically");
static const struct command_option option_rules_format =
    OPTION("format", VALUE_CHOICE, "FORMAT", "text", 0, 0, rules_formats, "text or markdown");

/* ---- arguments ----------------------------------------------------------------------------- */

#define SERVICES(is_optional_)                                                                     \
    {                                                                                              \
        .name = "SERVICE", .kind = VALUE_NAME, .is_optional = is_optional_, .is_repeated = true,   \
        .sentence = "whose migrations; found through skein.yaml, or --migrations"                  \
    }
#define RUN(is_optional_)                                                                          \
    {                                                                                              \
        .name = "RUN", .kind = VALUE_RUN, .is_optional = is_optional_,                             \
        .sentence = "a run's number, its id, or \"last\""                                          \
    }
#define ONE_SERVICE                                                                                \
    {                                                                                              \
        .name = "SERVICE", .kind = VALUE_NAME, .is_optional = true,                                \
        .sentence = "whose migrations; needed when skein.yaml has several"                         \
    }

#define ROLLOUT_OPTIONS                                                                            \
    &option_parallel, &option_budget, &option_on_failure, &option_max_targets, &option_yes_all,    \
        &option_skip_refused, &option_lock_timeout, &option_step_timeout, &option_migrations,      \
        &option_accept, &option_layout

#endif
