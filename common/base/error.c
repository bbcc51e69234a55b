#include "common/base/error.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/text.h"

#define FORMAT_INTO(part, format)                                                                  \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(part, sizeof(part), format, arguments);                                          \
        va_end(arguments);                                                                         \
        text_mend_utf8(part); /* cut in the middle of a character */                               \
    } while (0)

bool
error_set(struct error *error, const char *code, const char *format, ...)
{
    *error = (struct error){0};
    snprintf(error->code, sizeof error->code, "%s", code);
    FORMAT_INTO(error->text, format);
    return false;
}

bool
error_where(struct error *error, const char *format, ...)
{
    FORMAT_INTO(error->where, format);
    return false;
}

bool
error_found(struct error *error, const char *format, ...)
{
    FORMAT_INTO(error->found, format);
    return false;
}

bool
error_hint(struct error *error, const char *format, ...)
{
    FORMAT_INTO(error->hint, format);
    return false;
}

bool
error_prefix(struct error *error, const char *format, ...)
{
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    FORMAT_INTO(error->text, format);
    size_t used = strlen(error->text);
    snprintf(error->text + used, sizeof error->text - used, ": %s", text);
    text_mend_utf8(error->text);
    return false;
}

bool
error_is(const struct error *error, const char *code)
{
    return strcmp(error->code, code) == 0;
}

static void
print_part(const char *name, const char *text, FILE *out)
{
    if (text[0]) {
        fprintf(out, "  %-6s %s\n", name, text);
    }
}

void
error_print(const struct error *error, FILE *out)
{
    fprintf(out, "error[%s]: %s\n", error->code, error->text);
    print_part("where:", error->where, out);
    print_part("found:", error->found, out);
    print_part("hint:", error->hint, out);
}
