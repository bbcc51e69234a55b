/* Reading the texts of the library. They are ours, so a mistake in one is a mistake of ours. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/patterns/embedded.h"
#include "common/patterns/pattern.h"

#define SUFFIX ".pattern"
#define PARAMETERS_MAX 24
#define MIGRATIONS_MAX 12
#define EXAMPLES_MAX 4
#define BLOCKS_MAX 12

struct library {
    struct pattern *patterns;
    size_t count;
    struct arena arena;
};

static const char *const kind_words[VALUE_OF_COUNT] = {
    [VALUE_OF_TABLE] = "table",       [VALUE_OF_NAME] = "name",
    [VALUE_OF_NAMES] = "names",       [VALUE_OF_COLUMNS] = "columns",
    [VALUE_OF_TYPE] = "type",         [VALUE_OF_EXPRESSION] = "expression",
    [VALUE_OF_CONSTANT] = "constant", [VALUE_OF_ASSIGNMENTS] = "assignments",
    [VALUE_OF_ELEMENTS] = "elements", [VALUE_OF_LITERAL] = "text",
    [VALUE_OF_LITERALS] = "texts",    [VALUE_OF_DURATION] = "duration",
    [VALUE_OF_CHOICE] = "choice",
};

const char *
pattern_kind_word(enum value_of kind)
{
    return kind_words[kind];
}

/* ---- one text -------------------------------------------------------------------------------- */

struct block {
    const char *name, *text;
};

struct reading {
    struct arena *arena;
    struct pattern *pattern;
    struct block blocks[BLOCKS_MAX];
    size_t block_count;
    const char **lines; /* where lines without an @ go */
    bool is_prose;      /* whose lines are joined into one */
    bool is_down;       /* the lines are those of a way back */
};

static void read_text(struct reading *reading, const char *text);

static const char *
text_of_file(const char *name)
{
    for (const struct embedded *file = embedded_patterns; file->name; file++) {
        if (text_equal(file->name, name)) {
            return file->text;
        }
    }
    return NULL;
}

/* The next word of a line, which is cut off it; null at its end. */
static char *
take_word(char **line)
{
    char *word = *line + strspn(*line, " ");

    if (!*word) {
        return NULL;
    }
    size_t size = strcspn(word, " ");
    *line = word + size + (word[size] == ' ');
    word[size] = '\0';
    return word;
}

/* The kind in "choice(no|yes)" or "table". */
static void
read_kind(char *word, struct pattern_parameter *parameter)
{
    char *choices = strchr(word, '(');

    if (choices) {
        *choices++ = '\0';
        choices[strcspn(choices, ")")] = '\0';
        parameter->choices = choices;
    }
    while (parameter->kind < VALUE_OF_COUNT && !text_equal(kind_words[parameter->kind], word)) {
        parameter->kind++;
    }
    assert(parameter->kind < VALUE_OF_COUNT);
}

static void
read_parameter(struct reading *reading, char *line)
{
    struct pattern *pattern = reading->pattern;
    struct pattern_parameter *parameter = &pattern->parameters[pattern->parameter_count++];

    assert(pattern->parameter_count <= PARAMETERS_MAX);
    parameter->name = take_word(&line);
    read_kind(take_word(&line), parameter);
    const char *more = take_word(&line);
    if (text_equal(more, "optional")) {
        parameter->is_optional = true;
    } else if (more) {
        assert(text_equal(more, "=") && line[0]);
        parameter->fallback = line;
    }
    parameter->sentence = "";
    reading->lines = &parameter->sentence;
    reading->is_prose = true;
}

/* Words, or NAME="several words". */
static void
read_example(struct reading *reading, const char *line)
{
    struct pattern *pattern = reading->pattern;
    struct pattern_example *example = &pattern->examples[pattern->example_count++];

    assert(pattern->example_count <= EXAMPLES_MAX);
    example->settings = arena_alloc(reading->arena, PARAMETERS_MAX * sizeof *example->settings);
    while (*line) {
        size_t name = strcspn(line, "=") + 1;
        bool is_quoted = line[name] == '"';
        size_t size = strcspn(line + name + is_quoted, is_quoted ? "\"" : " ");
        example->settings[example->setting_count++] = arena_format(
            reading->arena, "%.*s%.*s", (int)name, line, (int)size, line + name + is_quoted);
        line += name + size + 2 * (size_t)is_quoted;
        line += strspn(line, " ");
    }
}

static void
read_migration(struct reading *reading, char *line)
{
    struct pattern *pattern = reading->pattern;
    struct pattern_migration *migration = &pattern->migrations[pattern->migration_count++];

    assert(pattern->migration_count <= MIGRATIONS_MAX);
    migration->name = take_word(&line);
    const char *how = take_word(&line);
    if (how) {
        const char *parameter = take_word(&line);
        assert(parameter && (text_equal(how, "if") || text_equal(how, "unless")));
        migration->condition =
            text_equal(how, "if") ? parameter : arena_format(reading->arena, "!%s", parameter);
    }
    reading->lines = NULL;
}

static void
read_script(struct reading *reading, const char *part)
{
    struct pattern *pattern = reading->pattern;
    struct pattern_migration *migration = &pattern->migrations[pattern->migration_count - 1];

    assert(pattern->migration_count > 0);
    reading->lines = text_equal(part, "up")     ? &migration->up
                     : text_equal(part, "down") ? &migration->down
                                                : &migration->verify;
    assert(!*reading->lines);
    *reading->lines = "";
    reading->is_prose = false;
    reading->is_down = text_equal(part, "down");
}

static void
begin_block(struct reading *reading, const char *name)
{
    struct block *block = &reading->blocks[reading->block_count++];

    assert(reading->block_count <= BLOCKS_MAX);
    *block = (struct block){.name = name, .text = ""};
    reading->lines = &block->text;
    reading->is_prose = reading->is_down = false;
}

/* In a way back the linter looks for less: what a block allows would allow nothing there. */
static bool
belongs_here(const struct reading *reading, const char *line)
{
    return !reading->is_down || !text_starts_with(line, "-- skein: allow=");
}

/* The lines of a block, without the empty ones at its end. */
static void
insert_block(struct reading *reading, const char *name)
{
    const char *text = NULL;

    for (size_t i = 0; i < reading->block_count; i++) {
        text = text_equal(reading->blocks[i].name, name) ? reading->blocks[i].text : text;
    }
    assert(text);
    size_t left = strlen(text);
    while (left > 1 && text[left - 2] == '\n') {
        left--;
    }
    while (left > 0) {
        size_t size = strcspn(text, "\n") + 1;
        if (belongs_here(reading, text)) {
            *reading->lines =
                arena_format(reading->arena, "%s%.*s", *reading->lines, (int)size, text);
        }
        text += size;
        left -= size;
    }
}

static bool
is_within_script(const char *word)
{
    return text_equal(word, "if") || text_equal(word, "unless") || text_equal(word, "end");
}

static void
read_directive(struct reading *reading, char *line)
{
    struct pattern *pattern = reading->pattern;
    const char *word = take_word(&line);

    if (text_equal(word, "title")) {
        pattern->title = line;
    } else if (text_equal(word, "about")) {
        pattern->about = "";
        reading->lines = &pattern->about;
        reading->is_prose = false;
    } else if (text_equal(word, "param")) {
        read_parameter(reading, line);
    } else if (text_equal(word, "together")) {
        pattern->together[0] = take_word(&line);
        pattern->together[1] = take_word(&line);
    } else if (text_equal(word, "use")) {
        read_text(reading, text_of_file(line));
    } else if (text_equal(word, "block")) {
        begin_block(reading, line);
    } else if (text_equal(word, "insert")) {
        insert_block(reading, line);
    } else if (text_equal(word, "example")) {
        read_example(reading, line);
    } else if (text_equal(word, "migration")) {
        read_migration(reading, line);
    } else {
        assert(text_equal(word, "up") || text_equal(word, "down") || text_equal(word, "verify"));
        read_script(reading, word);
    }
}

static void
read_line(struct reading *reading, char *line)
{
    char *word = line[0] == '@' ? arena_text(reading->arena, line + 1) : NULL;
    char *rest = word;

    if (word && !is_within_script(take_word(&rest))) {
        read_directive(reading, line + 1);
        return;
    }
    if (!reading->lines) {
        assert(!line[0]);
        return;
    }
    if (reading->is_prose) {
        line += strspn(line, " ");
        *reading->lines = arena_format(reading->arena, "%s%s%s", *reading->lines,
                                       **reading->lines && line[0] ? " " : "", line);
    } else {
        *reading->lines = arena_format(reading->arena, "%s%s\n", *reading->lines, line);
    }
}

static void
read_text(struct reading *reading, const char *text)
{
    assert(text);
    while (*text) {
        size_t size = strcspn(text, "\n");
        read_line(reading, arena_format(reading->arena, "%.*s", (int)size, text));
        text += size + (text[size] == '\n');
    }
}

/* What the annotations of an up say of it. */
static void
describe(struct arena *arena, struct pattern_migration *migration)
{
    static const char stage[] = "-- skein: stage=";
    const char *up = migration->up, *said = up ? strstr(up, stage) : NULL;

    assert(up && said);
    said += strlen(stage);
    migration->stage = arena_format(arena, "%.*s", (int)strcspn(said, " \n"), said);
    migration->how = strstr(up, "-- skein: batch ")    ? "in batches"
                     : strstr(up, " transaction=none") ? "outside a transaction"
                     : strstr(up, " noop\n")           ? "nothing, but for the way back"
                                                       : "";
}

/* ---- the library ----------------------------------------------------------------------------- */

static void
read_pattern(struct library *library, const struct embedded *file)
{
    struct pattern *pattern = &library->patterns[library->count++];
    struct arena *arena = &library->arena;
    struct reading reading = {.arena = arena, .pattern = pattern};

    pattern->name =
        arena_format(arena, "%.*s", (int)(strlen(file->name) - strlen(SUFFIX)), file->name);
    pattern->parameters = arena_alloc(arena, PARAMETERS_MAX * sizeof *pattern->parameters);
    pattern->migrations = arena_alloc(arena, MIGRATIONS_MAX * sizeof *pattern->migrations);
    pattern->examples = arena_alloc(arena, EXAMPLES_MAX * sizeof *pattern->examples);
    read_text(&reading, file->text);
    assert(pattern->title && pattern->about && pattern->migration_count > 0);
    for (size_t i = 0; i < pattern->migration_count; i++) {
        describe(arena, &pattern->migrations[i]);
    }
}

static int
compare_names(const void *a, const void *b)
{
    const struct pattern *first = a, *second = b;

    return strcmp(first->name, second->name);
}

struct library *
library_new(void)
{
    struct library *library = mem_zalloc(sizeof *library);
    size_t count = 0;

    for (const struct embedded *file = embedded_patterns; file->name; file++) {
        count++;
    }
    library->patterns = arena_alloc(&library->arena, count * sizeof *library->patterns);
    for (const struct embedded *file = embedded_patterns; file->name; file++) {
        if (text_ends_with(file->name, SUFFIX)) {
            read_pattern(library, file);
        }
    }
    qsort(library->patterns, library->count, sizeof *library->patterns, compare_names);
    return library;
}

void
library_destroy(struct library **library_p)
{
    if (*library_p) {
        struct arena arena = (*library_p)->arena;
        arena_release(&arena);
        free(*library_p);
        *library_p = NULL;
    }
}

const struct pattern *
library_patterns(const struct library *library, size_t *count)
{
    *count = library->count;
    return library->patterns;
}

const struct pattern *
library_find(const struct library *library, const char *name, struct error *error)
{
    CLEANUP(text_release) struct text names = {0};
    const char *nearest = NULL;
    size_t nearest_distance = 5;

    for (size_t i = 0; i < library->count; i++) {
        const struct pattern *pattern = &library->patterns[i];
        size_t distance = text_distance(pattern->name, name);
        if (distance == 0) {
            return pattern;
        }
        if (distance < nearest_distance) {
            nearest = pattern->name;
            nearest_distance = distance;
        }
        text_format(&names, "%s%s", i ? ", " : "", pattern->name);
    }
    error_set(error, "E-PATTERN-UNKNOWN", "there is no pattern '%.64s'", name);
    error_found(error, "patterns: %s", text_of(&names));
    if (nearest) {
        error_hint(error, "did you mean %s?", nearest);
    } else {
        error_hint(error, "`skein patterns` lists them");
    }
    return NULL;
}

const struct pattern_parameter *
pattern_parameter(const struct pattern *pattern, const char *name)
{
    for (size_t i = 0; i < pattern->parameter_count; i++) {
        if (text_equal(pattern->parameters[i].name, name)) {
            return &pattern->parameters[i];
        }
    }
    return NULL;
}
