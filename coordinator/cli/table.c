/* The table of command.h. Sentences are lower case without a full stop; details are prose. */
#include "coordinator/cli/command.h"
#include "coordinator/cli/commands/commands.h"

#define ITEMS(table) (sizeof(table) / sizeof *(table))

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

const struct command_option *const command_common_options[] = {
    &option_context, &option_timeout, &option_json, &option_colour,
    &option_help,    &option_version, NULL,
};

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
static const struct command_option option_migrations =
    OPTION("migrations", VALUE_FOLDER, "DIR", NULL, 0, 0, NULL,
           "the folder of the service's migrations, instead of what skein.yaml says");
static const struct command_option option_layout = OPTION(
    "layout", VALUE_TEXT, "NAME", "auto", 0, 0, NULL,
    "with --migrations: how the folder is kept: auto, pairs, dbmate, diesel, drizzle, flyway, "
    "goose, graphile-migrate, node-pg-migrate, popx, prisma, sourcegraph, sql-migrate, "
    "sqitch, sqlx, supabase");
static const struct command_option option_accept =
    OPTION("accept", VALUE_TEXT, "CODE,…", NULL, 0, 0, NULL,
           "with --migrations: what to note and not to refuse in old files: E-MIG-IDENT, "
           "E-MIG-TXCTL, E-MIG-EMPTY");
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

const struct command command_table[] = {
    {.name = "plan",
     .group = GROUP_ROLLOUT,
     .sentence = "show what would happen on which target; change nothing",
     .detail = "Every selected target is asked what is applied there now, so the plan is what is "
               "true and not what was. A target that cannot take part is shown with its reason. "
               "The plan can be carried out as it was shown: skein apply --plan ID.\n\n"
               "Waves are shares of all targets, each including those before it: 1,10%,100% is "
               "one canary, then up to a tenth, then the rest. A wave begins when everything in "
               "the one before it has ended and the failures are within the budget.",
     .arguments = {SERVICES(false)},
     .options = {&option_to, &option_select, &option_waves, ROLLOUT_OPTIONS, &option_out_of_order,
                 &option_sql, &option_all_rows},
     .examples = {{"skein plan auth policy --select env=prod", "what would happen in production"},
                  {"skein plan auth --to 0012 --sql", "the SQL as well"}},
     .run = command_plan},
    {.name = "apply",
     .group = GROUP_ROLLOUT,
     .sentence = "bring the selected targets to a version, in waves",
     .detail = "The plan is made, shown and asked about; then it runs in the coordinator, whether "
               "or not this program goes on. With --watch it is shown until it has ended, and the "
               "exit status says how: 0 when every target is there, 7 when not. Ctrl-C ends the "
               "watching only.\n\nWhat is applied already is not done again: when there is "
               "nothing to do, nothing is asked and the status is 0.",
     .arguments = {SERVICES(true)},
     .options = {&option_to, &option_select, &option_waves, ROLLOUT_OPTIONS, &option_out_of_order,
                 &option_sql, &option_all_rows, &option_plan, &option_watch, &option_yes},
     .examples = {{"skein apply auth --select env=prod --waves 1,10%,100% --watch",
                   "a canary, a tenth, the rest"},
                  {"skein apply auth policy --budget 2% --on-failure rollback --yes --watch",
                   "as a pipeline would"}},
     .run = command_apply},
    {.name = "rollback",
     .group = GROUP_ROLLOUT,
     .sentence = "take back what a run did, or go back to a version",
     .detail = "With a run: on exactly the targets where it did something, exactly those "
               "migrations, in reverse order; what was there before the run stays. With a service "
               "and --to: everything above that version. It is a run like any other, with its own "
               "number.",
     .arguments = {{.name = "RUN|SERVICE",
                    .kind = VALUE_NAME,
                    .sentence = "a run's number, its id or \"last\"; or a service, with --to"}},
     .options = {&option_to_back, &option_select, &option_waves_back, ROLLOUT_OPTIONS, &option_sql,
                 &option_all_rows, &option_watch, &option_yes},
     .examples = {{"skein rollback last --watch", "undo the last run"},
                  {"skein rollback auth --to 0011 --select env=test --yes",
                   "everything above 0011, on the test databases"}},
     .run = command_rollback},
    {.name = "pause",
     .group = GROUP_ROLLOUT,
     .sentence = "begin nothing new; what runs is finished",
     .arguments = {RUN(true)},
     .options = {&option_every_run},
     .examples = {{"skein pause 12", ""}, {"skein pause --all", "the stop for the whole fleet"}},
     .run = command_pause},
    {.name = "resume",
     .group = GROUP_ROLLOUT,
     .sentence = "go on with a run that is paused",
     .arguments = {RUN(true)},
     .options = {&option_every_run},
     .examples = {{"skein resume 12", ""}, {"skein resume --all", "after pause --all"}},
     .run = command_resume},
    {.name = "cancel",
     .group = GROUP_ROLLOUT,
     .sentence = "end a run: stop what can be stopped, begin nothing new",
     .detail = "A migration that runs is stopped and rolled back by PostgreSQL, or it had ended "
               "before: the run ends when that is known of every one of them. What is done stays "
               "done; skein rollback takes it back.",
     .arguments = {RUN(false)},
     .examples = {{"skein cancel 12", ""}},
     .run = command_cancel},
    {.name = "retry",
     .group = GROUP_ROLLOUT,
     .sentence = "try a run's failed and cancelled targets again",
     .detail = "Each goes on with the migration that it stopped at; what is done stays done, and "
               "targets that are there are left alone. A run that has ended is open again until "
               "they are through. Refused while a run is being cancelled, after it was rolled "
               "back, when nothing of it has failed or was cancelled, or when another run has one "
               "of its targets. What a changed file is to do needs a new plan: skein apply.",
     .arguments = {RUN(false)},
     .examples = {{"skein retry last", ""}},
     .run = command_retry},

    {.name = "status",
     .group = GROUP_LOOK,
     .sentence = "how a run is going: its waves, what runs, what has failed",
     .detail = "Without a run: the last one. With --watch until it has ended; Ctrl-C ends the "
               "watching only.",
     .arguments = {RUN(true)},
     .options = {&option_watch, &option_all_rows},
     .examples = {{"skein status", "the last run"}, {"skein status 12 --watch", ""}},
     .run = command_status},
    {.name = "runs",
     .group = GROUP_LOOK,
     .sentence = "list the runs",
     .options = {&option_limit},
     .examples = {{"skein runs --limit 5", ""}},
     .run = command_runs},
    {.name = "log",
     .group = GROUP_LOOK,
     .sentence = "every migration and statement of a run, with time and rows",
     .arguments = {RUN(false),
                   {.name = "TARGET",
                    .kind = VALUE_NAME,
                    .is_optional = true,
                    .sentence = "only of this target"}},
     .options = {&option_failing},
     .examples = {{"skein log last", ""}, {"skein log 12 auth-eu-1", "on one target"}},
     .run = command_log},
    {.name = "targets",
     .group = GROUP_LOOK,
     .sentence = "list the databases: service, version, agent, what is wrong",
     .options = {&option_select},
     .examples = {{"skein targets --select service=auth,env=prod", ""}},
     .run = command_targets},
    {.name = "agents",
     .group = GROUP_LOOK,
     .sentence = "list the agents: connected or away, how many targets",
     .examples = {{"skein agents", ""}},
     .run = command_agents},
    {.name = "operators",
     .group = GROUP_LOOK,
     .sentence = "list who may ask the coordinator, and their roles",
     .examples = {{"skein operators", ""}},
     .run = command_operators},

    {.name = "agent add",
     .group = GROUP_FLEET,
     .sentence = "let an agent in, by its public key",
     .arguments = {{.name = "NAME", .kind = VALUE_NAME, .sentence = "what it is called"}},
     .options = {&option_key},
     .examples = {{"skein agent add agent-eu-1 --key agent-eu-1.pub", ""}},
     .run = command_agent_add},
    {.name = "agent remove",
     .group = GROUP_FLEET,
     .sentence = "shut an agent out, at once",
     .arguments = {{.name = "NAME", .kind = VALUE_NAME, .sentence = "what it is called"}},
     .examples = {{"skein agent remove agent-eu-1", ""}},
     .run = command_agent_remove},
    {.name = "target remove",
     .group = GROUP_FLEET,
     .sentence = "forget a database that is gone for good",
     .detail = "It is in no plan from then on; what runs did there stays in their record, and "
               "nothing is done to the database itself. Refused while a run that has not ended "
               "has the target. When an agent still serves it, it comes back at that agent's "
               "next report, within ten minutes: take it out of the agent's configuration first.",
     .arguments = {{.name = "NAME", .kind = VALUE_NAME, .sentence = "what it is called"}},
     .examples = {{"skein target remove auth-eu-1", ""}},
     .run = command_target_remove},
    {.name = "operator add",
     .group = GROUP_FLEET,
     .sentence = "let a person or a pipeline in, by their public key",
     .arguments = {{.name = "NAME", .kind = VALUE_NAME, .sentence = "what they are called"}},
     .options = {&option_key, &option_role},
     .examples = {{"skein operator add alice --key alice.pub --role operator", ""}},
     .run = command_operator_add},
    {.name = "operator remove",
     .group = GROUP_FLEET,
     .sentence = "shut a person or a pipeline out, at once",
     .arguments = {{.name = "NAME", .kind = VALUE_NAME, .sentence = "what they are called"}},
     .examples = {{"skein operator remove alice", ""}},
     .run = command_operator_remove},
    {.name = "keys new",
     .group = GROUP_FLEET,
     .sentence = "make a key pair: NAME.key to keep, NAME.pub to give away",
     .arguments = {{.name = "NAME", .kind = VALUE_NAME, .sentence = "what the files are called"}},
     .options = {&option_dir},
     .examples = {{"skein keys new alice", "in ~/.config/skein"},
                  {"skein keys new agent-eu-1 --dir /etc/skein", ""}},
     .run = command_keys_new},
    {.name = "keys show",
     .group = GROUP_FLEET,
     .sentence = "print the public key in a key file, and check the file",
     .arguments = {{.name = "FILE", .kind = VALUE_FILE, .sentence = "a .key or .pub file"}},
     .examples = {{"skein keys show ~/.config/skein/alice.key", ""}},
     .run = command_keys_show},

    {.name = "init",
     .group = GROUP_LOCAL,
     .sentence = "begin a project: skein.yaml, a service, hooks, CI jobs",
     .detail = "Nothing that is there already is changed: a file of the same name is kept, and "
               "that is said.",
     .arguments = {{.name = "DIR",
                    .kind = VALUE_FOLDER,
                    .is_optional = true,
                    .sentence = "where; otherwise here"}},
     .options = {&option_init_service, &option_repository},
     .examples = {{"skein init", ""}, {"skein init shop --service orders", ""}},
     .run = command_init},
    {.name = "new",
     .group = GROUP_LOCAL,
     .sentence = "write a new migration, empty or from a pattern",
     .detail = "The version is the time (UTC), or the number behind the newest where that is not "
               "in the past or the service's numbers have no gaps. Nothing is overwritten. A "
               "pattern makes a set of migrations, in order, each with its way back: "
               "`skein patterns` lists and explains them.",
     .arguments = {{.name = "NAME",
                    .kind = VALUE_NAME,
                    .sentence = "what it does: add_email_to_users"}},
     .options = {&option_service, &option_new_migrations, &option_pattern, &option_set,
                 &option_new_verify},
     .examples = {{"skein new add_email_to_users", "an empty up and down"},
                  {"skein new index_email --pattern index --set table=users --set on=email",
                   "one from the library"}},
     .run = command_new},
    {.name = "patterns",
     .group = GROUP_LOCAL,
     .sentence = "list the patterns of migrations, or explain one",
     .arguments =
         {{.name = "PATTERN", .kind = VALUE_NAME, .is_optional = true, .sentence = "which"}},
     .options = {&option_patterns_format},
     .examples = {{"skein patterns", ""}, {"skein patterns rename-column", ""}},
     .run = command_patterns},

    {.name = "up",
     .group = GROUP_LOCAL,
     .sentence = "apply what is missing to one database",
     .detail = "The same execution and the same journal as through a coordinator; a database can "
               "go from one to the other at any time. The password, if one is needed, comes from "
               "libpq's own means (passfile, service file), never from the command line.",
     .arguments = {ONE_SERVICE},
     .options = {&option_database, &option_to, &option_migrations, &option_layout, &option_accept,
                 &option_role_sql, &option_lock_timeout, &option_step_timeout,
                 &option_out_of_order},
     .examples = {{"skein up --database \"dbname=auth\" --migrations auth/migrations", ""},
                  {"skein up auth --database service=auth --to 0012", ""}},
     .run = command_up},
    {.name = "down",
     .group = GROUP_LOCAL,
     .sentence = "undo the last migration, or all above a version",
     .arguments = {ONE_SERVICE},
     .options = {&option_database, &option_to_back, &option_migrations, &option_layout,
                 &option_accept, &option_role_sql, &option_lock_timeout, &option_step_timeout},
     .examples = {{"skein down --database \"dbname=auth\"", "the last one"},
                  {"skein down auth --database \"dbname=auth\" --to 0011", ""}},
     .run = command_down},
    {.name = "adopt",
     .group = GROUP_LOCAL,
     .sentence = "take over what another tool has applied; runs nothing",
     .detail = "Reads the table in which golang-migrate, dbmate, goose, Flyway … keep what they "
               "have applied, and writes it down in Skein's journal. When files and table do not "
               "agree, or the tool calls its state dirty or failed, everything that is wrong is "
               "listed and nothing is changed. Said again it does nothing more.",
     .arguments = {ONE_SERVICE},
     .options = {&option_one_database, &option_migrations, &option_layout, &option_accept,
                 &option_dry_run, &option_trust, &option_edited, &option_nothing, &option_select,
                 &option_max_targets, &option_yes_all},
     .examples = {{"skein adopt --database \"dbname=auth\" --dry-run", "one database: look first"},
                  {"skein adopt --database \"dbname=auth\"", ""},
                  {"skein adopt auth --dry-run", "all targets of the service, by their agents"},
                  {"skein adopt auth --select env=staging", ""}},
     .run = command_adopt},
    {.name = "history",
     .group = GROUP_LOCAL,
     .sentence = "list what is applied to one database",
     .options = {&option_database},
     .examples = {{"skein history --database \"dbname=auth\"", ""}},
     .run = command_history},

    {.name = "lint",
     .group = GROUP_LOCAL,
     .sentence = "look for what is dangerous or wrong in migrations",
     .detail = "Every file is read with PostgreSQL's own grammar, the whole history is replayed in "
               "memory, and each statement is looked at with what was there before it: what locks "
               "a table that was made in the same change is no danger. The rules are in "
               "docs/rules.\n\n"
               "One place is allowed by a comment above it: -- skein: allow=SK010 reason=\"ten "
               "rows\" until=2027-01-31. Rules are switched off, or given another severity, in "
               "skein.yaml: lint: { rules: { SK010: off } }.",
     .arguments = {{.name = "PATH",
                    .kind = VALUE_FILE,
                    .is_optional = true,
                    .is_repeated = true,
                    .sentence = "a folder of migrations, files in one, or a service; otherwise "
                                "every service of skein.yaml"}},
     .options = {&option_layout, &option_changed_since, &option_lint_format, &option_fail_on,
                 &option_fix, &option_lint_database, &option_lint_databases},
     .examples = {{"skein lint", "every service of skein.yaml"},
                  {"skein lint --changed-since origin/main --format github", "in a pull request"},
                  {"skein lint auth --database service=auth", "with the sizes of real tables"},
                  {"skein lint db/migrations --fix", "put right what is mechanical"}},
     .run = command_lint},

    {.name = "debug machines",
     .group = GROUP_HELP,
     .sentence = "print the state machines: from, event, to, and why",
     .arguments = {{.name = "MACHINE",
                    .kind = VALUE_NAME,
                    .is_optional = true,
                    .is_repeated = true,
                    .sentence = "only these"}},
     .options = {&option_machine_format},
     .examples = {{"skein debug machines step --format mermaid", ""}},
     .run = command_debug_machines},
    {.name = "debug frame",
     .group = GROUP_HELP,
     .sentence = "decode a captured message",
     .arguments = {{.name = "HEX|FILE",
                    .kind = VALUE_TEXT,
                    .sentence = "the bytes as hex digits, a file that holds them, or - for "
                                "standard input"}},
     .examples = {{"skein debug frame frame.bin", ""}},
     .run = command_debug_frame},
    {.name = "debug bundle",
     .group = GROUP_HELP,
     .sentence = "print what is made of a service's migrations",
     .arguments = {{.name = "SERVICE|DIR",
                    .kind = VALUE_FOLDER,
                    .sentence = "a service of skein.yaml, or a folder of migrations"}},
     .options = {&option_layout, &option_accept},
     .examples = {{"skein debug bundle auth", ""}},
     .run = command_debug_bundle},
    {.name = "debug errors",
     .group = GROUP_HELP,
     .sentence = "list the codes of errors, what they mean, how they exit",
     .options = {&option_errors_format},
     .examples = {{"skein debug errors", ""}},
     .run = command_debug_errors},
    {.name = "debug rules",
     .group = GROUP_HELP,
     .sentence = "list the rules of skein lint",
     .arguments = {{.name = "RULE",
                    .kind = VALUE_NAME,
                    .is_optional = true,
                    .is_repeated = true,
                    .sentence = "only these, with their pages"}},
     .options = {&option_rules_format, &option_out},
     .examples = {{"skein debug rules SK010", "why, and what to write instead"},
                  {"skein debug rules --out docs/rules", "a page for each"}},
     .run = command_debug_rules},
    {.name = "debug manual",
     .group = GROUP_HELP,
     .sentence = "print this manual, from the same table as --help",
     .options = {&option_manual_format, &option_out},
     .examples = {{"skein debug manual --format man --out docs/man", ""}},
     .run = command_debug_manual},
    {.name = "completion",
     .group = GROUP_HELP,
     .sentence = "print the completion for a shell",
     .arguments = {{.name = "SHELL",
                    .kind = VALUE_CHOICE,
                    .choices = shells,
                    .sentence = "bash, zsh or fish"}},
     .examples = {{"source <(skein completion bash)", ""}},
     .run = command_completion},
    {.name = "version",
     .group = GROUP_HELP,
     .sentence = "print the version",
     .examples = {{"skein version", ""}},
     .run = command_version},
    {.name = "help",
     .group = GROUP_HELP,
     .sentence = "say what a command does",
     .arguments = {{.name = "COMMAND",
                    .kind = VALUE_NAME,
                    .is_optional = true,
                    .is_repeated = true,
                    .sentence = "which"}},
     .examples = {{"skein help agent add", ""}},
     .run = command_help},
};
const size_t command_count = ITEMS(command_table);
