#include "agent/shell/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/mem.h"

struct agent_reports {
    pthread_mutex_t mutex;
    struct agent_report *first, *last;
    int descriptor;
};

struct agent_reports *
agent_reports_new(void)
{
    struct agent_reports *reports = mem_zalloc(sizeof *reports);

    pthread_mutex_init(&reports->mutex, NULL);
    reports->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (reports->descriptor < 0) {
        log_fatal(71, "cannot make an eventfd: %s", strerror(errno));
    }
    return reports;
}

void
agent_reports_destroy(struct agent_reports **reports_p)
{
    struct agent_reports *reports = *reports_p;
    struct agent_report *report;

    if (!reports) {
        return;
    }
    *reports_p = NULL;
    while ((report = agent_reports_take(reports))) {
        agent_report_destroy(&report);
    }
    close(reports->descriptor);
    pthread_mutex_destroy(&reports->mutex);
    free(reports);
}

struct agent_report *
agent_report_new(enum agent_event_kind kind, size_t target)
{
    struct agent_report *report = mem_zalloc(sizeof *report);

    report->event.kind = kind;
    report->event.target = target;
    return report;
}

void
agent_report_destroy(struct agent_report **report_p)
{
    if (*report_p) {
        arena_release(&(*report_p)->arena);
        free(*report_p);
        *report_p = NULL;
    }
}

void
agent_reports_post(struct agent_reports *reports, struct agent_report **report_p)
{
    struct agent_report *report = *report_p;
    uint64_t one = 1;

    *report_p = NULL;
    pthread_mutex_lock(&reports->mutex);
    if (reports->last) {
        reports->last->next = report;
    } else {
        reports->first = report;
    }
    reports->last = report;
    /* Within the lock: a descriptor that is readable and an empty queue are only ever brief. */
    ssize_t size = write(reports->descriptor, &one, sizeof one);
    (void)size; /* a full counter is readable as well */
    pthread_mutex_unlock(&reports->mutex);
}

struct agent_report *
agent_reports_take(struct agent_reports *reports)
{
    uint64_t count;

    pthread_mutex_lock(&reports->mutex);
    struct agent_report *report = reports->first;
    if (report) {
        reports->first = report->next;
        report->next = NULL;
    }
    if (!reports->first) {
        reports->last = NULL;
        ssize_t size = read(reports->descriptor, &count, sizeof count);
        (void)size; /* nothing to read is what is wanted */
    }
    pthread_mutex_unlock(&reports->mutex);
    return report;
}

int
agent_reports_descriptor(const struct agent_reports *reports)
{
    return reports->descriptor;
}
