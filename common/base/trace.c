#include "common/base/trace.h"

#include <stdarg.h>
#include <stdio.h>

void
trace_line(const struct trace *trace, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (!trace->sink) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    trace->sink(trace->context, line);
}
