#include "common/base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/text.h"

#define LINE_MAX_BYTES 2048

static const char *const level_names[] = {"debug", "info", "warn", "error", "fatal"};
static const char *program_name = "skein";
static enum log_level least_level = LOG_INFO;
static atomic_ulong dropped;

void
log_open(const char *program, enum log_level least)
{
    program_name = program;
    least_level = least;
}

/*
 * Whether a line fits without waiting. A pipe that polls writable has room for PIPE_BUF bytes,
 * and a line is shorter. (Making the descriptor non-blocking would do it to everyone who shares
 * the pipe.)
 */
static bool
has_room(void)
{
    struct pollfd descriptor = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&descriptor, 1, 0) == 1 && (descriptor.revents & POLLOUT);
}

/* Append `text` to the line as the inside of a JSON string. */
static size_t
escape(char *line, size_t used, size_t size, const char *text)
{
    for (size_t left = strlen(text), step; left && used + 8 < size; text += step, left -= step) {
        unsigned char byte = (unsigned char)*text;
        step = text_character(text, left);
        if (byte == '"' || byte == '\\') {
            line[used++] = '\\';
            line[used++] = (char)byte;
        } else if (byte < 0x20 || byte == 0x7f) {
            used += (size_t)snprintf(line + used, size - used, "\\u%04x", byte);
        } else {
            memcpy(line + used, text, step);
            used += step;
        }
    }
    return used;
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *format, va_list arguments)
{
    char text[LINE_MAX_BYTES / 2], line[LINE_MAX_BYTES], stamp[CLOCK_TEXT_SIZE];
    unsigned long lost = atomic_exchange(&dropped, 0);

    vsnprintf(text, sizeof text, format, arguments);
    text_mend_utf8(text); /* or the line would be no JSON */
    size_t used =
        (size_t)snprintf(line, sizeof line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",",
                         clock_text(clock_wall_ms(), stamp), level_names[level], program_name);
    if (lost) {
        used += (size_t)snprintf(line + used, sizeof line - used, "\"dropped\":%lu,", lost);
    }
    used += (size_t)snprintf(line + used, sizeof line - used, "\"text\":\"");
    used = escape(line, used, sizeof line - 4, text);
    memcpy(line + used, "\"}\n", 3);
    if (!has_room() || write(STDERR_FILENO, line, used + 3) < 0) {
        atomic_fetch_add(&dropped, lost + 1);
    }
}

void
log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;

    if (level < least_level) {
        return;
    }
    va_start(arguments, format);
    write_line(level, format, arguments);
    va_end(arguments);
}

void
log_fatal(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_FATAL, format, arguments);
    va_end(arguments);
    exit(status);
}

int
log_level_named(const char *name)
{
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        if (strcmp(name, level_names[level]) == 0) {
            return level;
        }
    }
    return -1;
}
