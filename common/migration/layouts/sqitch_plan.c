#include "common/migration/layouts/sqitch_plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#define DATE_SIZE 20 /* 2013-02-26T23:55:14Z */

struct plan_reading {
    struct collection *collection;
    struct arena *arena;
    struct sqitch_plan *plan;
    struct planned_change *changes;
    size_t capacity;
    const char *project, *uri;
    struct line line;
    char *text; /* of the line, without blanks at its end */
    char *at;
};

static bool
refuse(struct plan_reading *reading, const char *text, const char *hint)
{
    size_t offset = reading->line.offset + (size_t)(reading->at - reading->text);
    CLEANUP(mem_free) char *found = mem_format("%.80s", reading->at);

    return collection_refuse_at(reading->collection, reading->plan->file, offset, "E-MIG-MARK",
                                text, found, hint);
}

static void
skip_blanks(struct plan_reading *reading)
{
    reading->at += strspn(reading->at, " \t");
}

static char *
take_until(struct plan_reading *reading, const char *stops)
{
    size_t size = strcspn(reading->at, stops);
    char *word = collection_piece(reading->collection, reading->at, size);

    reading->at += size;
    return word;
}

/* ---- who, when and why ----------------------------------------------------------------------- */

static bool
is_date(const char *text)
{
    static const char pattern[] = "dddd-dd-ddTdd:dd:ddZ";

    for (size_t i = 0; pattern[i]; i++) {
        bool fits = pattern[i] == 'd' ? isdigit((unsigned char)text[i]) : text[i] == pattern[i];
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* The note behind "#", with \n and \\ as what they stand for. */
static const char *
take_note(struct plan_reading *reading)
{
    skip_blanks(reading);
    if (*reading->at != '#') {
        return "";
    }
    reading->at++;
    skip_blanks(reading);
    char *note = take_until(reading, ""), *out = note;
    for (const char *byte = note; *byte; byte++) {
        bool is_escape = byte[0] == '\\' && byte[1] && strchr("nr\\", byte[1]);
        if (is_escape) {
            byte++;
            *out++ = (char)(*byte == 'n' ? '\n' : *byte == 'r' ? '\r' : '\\');
        } else {
            *out++ = *byte;
        }
    }
    *out = '\0';
    return note;
}

/* 2013-02-26T23:55:14Z Marge N. O'Vera <marge@example.com> # note */
static bool
read_planning(struct plan_reading *reading, struct sqitch_planning *planning)
{
    static const char hint[] = "<name> <date> <planner> <mail> # <note>";

    skip_blanks(reading);
    if (!is_date(reading->at)) {
        return refuse(reading, "the plan wants a date here: 2013-02-26T23:55:14Z", hint);
    }
    planning->date = collection_piece(reading->collection, reading->at, DATE_SIZE);
    reading->at += DATE_SIZE;
    skip_blanks(reading);
    char *name = take_until(reading, "<#");
    for (size_t size = strlen(name); size && strchr(" \t", name[size - 1]); size--) {
        name[size - 1] = '\0';
    }
    planning->planner_name = name;
    if (!name[0] || *reading->at != '<') {
        return refuse(reading, "the plan wants a planner here, with a mail address", hint);
    }
    reading->at++;
    planning->planner_mail = take_until(reading, ">");
    if (*reading->at != '>') {
        return refuse(reading, "the planner's mail address does not end", hint);
    }
    reading->at++;
    planning->note = take_note(reading);
    return !*reading->at || refuse(reading, "the plan wants a note, or nothing, here", hint);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool
read_pragma(struct plan_reading *reading)
{
    reading->at++;
    skip_blanks(reading);
    char *key = take_until(reading, " \t=");
    skip_blanks(reading);
    reading->at += *reading->at == '=';
    skip_blanks(reading);
    char *value = take_until(reading, "");

    if (text_equal(key, "project")) {
        reading->project = value;
    } else if (text_equal(key, "uri")) {
        reading->uri = value;
    }
    return true;
}

static bool
read_tag(struct plan_reading *reading)
{
    struct sqitch_plan *plan = reading->plan;
    struct sqitch_tag tag = {.name = take_until(reading, " \t")};

    if (!plan->count) {
        return refuse(reading, "a tag in front of the first change", "it stands behind its change");
    }
    if (!tag.name[1]) {
        return refuse(reading, "a tag has a name", "@v1.0");
    }
    if (!read_planning(reading, &tag.planning)) {
        return false;
    }
    struct sqitch_change *change = &reading->changes[plan->count - 1].change;
    struct sqitch_tag *tags = arena_alloc(reading->arena, (change->tag_count + 1) * sizeof *tags);
    if (change->tag_count) {
        memcpy(tags, change->tags, change->tag_count * sizeof *tags);
    }
    tags[change->tag_count++] = tag;
    change->tags = tags;
    return true;
}

static void
add_text(struct plan_reading *reading, const char ***list, size_t *count, const char *text)
{
    const char **texts = arena_alloc(reading->arena, (*count + 1) * sizeof *texts);

    if (*count) {
        memcpy(texts, *list, *count * sizeof *texts);
    }
    texts[(*count)++] = text;
    *list = texts;
}

/* [a b@tag !c project:d] */
static bool
read_dependencies(struct plan_reading *reading, struct sqitch_change *change)
{
    skip_blanks(reading);
    if (*reading->at != '[') {
        return true;
    }
    reading->at++;
    for (skip_blanks(reading); *reading->at && *reading->at != ']'; skip_blanks(reading)) {
        char *word = take_until(reading, " \t]");
        if (word[0] == '!') {
            add_text(reading, &change->conflicts, &change->conflict_count, word + 1);
        } else {
            add_text(reading, &change->requires, &change->require_count, word);
        }
    }
    if (*reading->at != ']') {
        return refuse(reading, "the list of dependencies does not end", "[a b !c project:d]");
    }
    reading->at++;
    return true;
}

/* A name is a part of a path: nothing in it may lead elsewhere. */
static bool
is_change_name(const char *name)
{
    bool is_path = name[0] == '/' || strstr(name, "..") || strstr(name, "//");

    return name[0] && !is_path && !strpbrk(name, "@:#\\") && is_printable_name(name);
}

static bool
read_change(struct plan_reading *reading)
{
    struct sqitch_plan *plan = reading->plan;
    struct planned_change planned = {.offset = reading->line.offset};

    if (*reading->at == '-') {
        return refuse(reading, "a change that reverts another cannot be carried out",
                      "plan what it does as a change of its own");
    }
    reading->at += *reading->at == '+';
    skip_blanks(reading);
    planned.change.name = take_until(reading, " \t[");
    if (!is_change_name(planned.change.name)) {
        reading->at = reading->text;
        return refuse(reading, "the name of the change is none",
                      "no blanks, @, :, # or \\ in it, and no ..");
    }
    if (!read_dependencies(reading, &planned.change) ||
        !read_planning(reading, &planned.change.planning)) {
        return false;
    }
    if (plan->count == reading->capacity) {
        reading->changes =
            mem_grow(reading->changes, plan->count, &reading->capacity, sizeof *reading->changes);
    }
    reading->changes[plan->count++] = planned;
    return true;
}

static bool
read_line(struct plan_reading *reading)
{
    size_t size = reading->line.size;
    const char *text = reading->plan->file->text + reading->line.offset;

    while (size && isspace((unsigned char)text[size - 1])) {
        size--;
    }
    reading->text = reading->at = collection_piece(reading->collection, text, size);
    skip_blanks(reading);
    switch (*reading->at) {
    case '\0':
    case '#':
        return true;
    case '%':
        return read_pragma(reading);
    case '@':
        return read_tag(reading);
    default:
        return read_change(reading);
    }
}

static bool
read_lines(struct plan_reading *reading)
{
    bool succeeded = true;

    while (line_next(reading->plan->file, &reading->line)) {
        succeeded = read_line(reading) && succeeded;
    }
    if (succeeded && !reading->project) {
        return collection_refuse(reading->collection, SQITCH_PLAN, "E-MIG-MARK",
                                 "the plan does not name its project", "", "%project=name");
    }
    return succeeded;
}

bool
sqitch_plan_read(struct collection *collection, struct listed_file *file, struct sqitch_plan *plan)
{
    struct plan_reading reading = {
        .collection = collection, .arena = &collection->sources->arena, .plan = plan};

    *plan = (struct sqitch_plan){.file = file};
    bool succeeded = read_lines(&reading);
    for (size_t i = 0; i < plan->count; i++) {
        reading.changes[i].change.project = reading.project;
        reading.changes[i].change.uri = reading.uri;
    }
    plan->changes =
        arena_copy(reading.arena, reading.changes, plan->count * sizeof *reading.changes);
    free(reading.changes);
    return succeeded;
}
