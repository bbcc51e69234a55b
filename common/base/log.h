/*
 * log: one JSON object a line on standard error, one write(2) each, for the service manager to
 * keep. Values are escaped, so no name from outside can forge a line. Nothing here blocks: a line
 * that does not fit into a full pipe is counted and said with the next one that does.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

/* czmq.h brings these names in as macros of syslog's; here they are ours, in whatever order. */
#include <syslog.h>
#undef LOG_DEBUG
#undef LOG_INFO

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL };

/* Name the program and the least level that is written; call once, before other threads. */
void log_open(const char *program, enum log_level least);

/* Write one line. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Write one line and end the process with `status`; never returns. */
_Noreturn void log_fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The level with this name (debug info warn error), -1 when there is none. */
int log_level_named(const char *name);

#endif
