/*
 * trace: one line for every decision of a core. Scenarios compare the lines, production writes
 * them at debug level. Without a sink a trace costs one comparison and formats nothing.
 */
#ifndef COMMON_BASE_TRACE_H
#define COMMON_BASE_TRACE_H

struct trace {
    void (*sink)(void *context, const char *line); /* null: nobody listens */
    void *context;
};

void trace_line(const struct trace *trace, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
