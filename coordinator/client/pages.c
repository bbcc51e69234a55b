#include "coordinator/client/pages.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

/* Where a kind of view has its offset, its total and its rows. */
struct book {
    enum message_type request, answer;
    size_t asked_offset; /* in the request */
    size_t total, rows, row_count;
    size_t row_size;
};

#define BOOK(REQUEST, asked, ANSWER, view, total_, rows_, count_)                                  \
    {                                                                                              \
        MESSAGE_##REQUEST, MESSAGE_##ANSWER, offsetof(struct message, asked.offset),               \
            offsetof(struct message, view.total_), offsetof(struct message, view.rows_),           \
            offsetof(struct message, view.count_), sizeof *((struct message *)NULL)->view.rows_    \
    }

static const struct book books[] = {
    BOOK(STATUS, status, RUN_VIEW, run_view, leg_total, legs, leg_count),
    BOOK(RUNS, runs, RUNS_VIEW, runs_view, total, rows, row_count),
    BOOK(LOG, log, LOG_VIEW, log_view, total, rows, row_count),
    BOOK(TARGETS, targets, TARGETS_VIEW, targets_view, total, rows, row_count),
    BOOK(AGENTS, agents, AGENTS_VIEW, agents_view, total, rows, row_count),
    BOOK(OPERATORS, operators, OPERATORS_VIEW, operators_view, total, rows, row_count),
    BOOK(PLAN_PAGE, plan_page, PLANNED, planned, target_count, legs, leg_count),
};

static const struct book *
find_book(enum message_type request)
{
    for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
        if (books[i].request == request) {
            return &books[i];
        }
    }
    abort(); /* a view without pages: a mistake of ours */
}

#define AT(message, offset, type) ((type *)(void *)((char *)(message) + (offset)))

/* Add a page's rows to those before; false when there is nothing more to come. */
static bool
take_page(const struct book *book, struct message *answer, struct text *rows, uint64_t first,
          size_t rows_max)
{
    size_t count = *AT(answer, book->row_count, size_t);
    uint64_t total = *AT(answer, book->total, uint64_t);

    if (count > 0) {
        text_append_bytes(rows, *AT(answer, book->rows, void *), count * book->row_size);
    }
    size_t have = rows->size / book->row_size;
    return count > 0 && have < rows_max && first + have < total;
}

bool
pages_ask(struct client *client, const struct message *request, size_t rows_max,
          struct arena *arena, struct message *answer, struct error *error)
{
    const struct book *book = find_book(request->type);
    CLEANUP(text_release) struct text rows = {0};
    struct message page = *request;
    uint64_t first = *AT(&page, book->asked_offset, uint64_t);
    bool goes_on = true;

    while (goes_on) {
        *client_request_id(&page) = (struct id){0};
        *AT(&page, book->asked_offset, uint64_t) = first + rows.size / book->row_size;
        if (!client_ask(client, &page, arena, answer, error)) {
            return false;
        }
        if (answer->type != book->answer) {
            return error_set(error, "E-PROTO-STATE", "the coordinator answered %s with %s",
                             message_name(request->type), message_name(answer->type));
        }
        goes_on = take_page(book, answer, &rows, first, rows_max);
    }
    *AT(answer, book->row_count, size_t) = rows.size / book->row_size;
    *AT(answer, book->rows, void *) = rows.size ? arena_copy(arena, rows.data, rows.size) : NULL;
    return true;
}
