/*
 * manual_text: the parts of the manual that belong to no command: files, environment, errors.
 */
#ifndef COORDINATOR_CLI_MANUAL_TEXT_H
#define COORDINATOR_CLI_MANUAL_TEXT_H

struct manual_section {
    const char *title;            /* null: no more */
    const char *text;             /* paragraphs; `code` in backquotes */
    const char *language, *block; /* an example below it; may be null */
};

extern const struct manual_section manual_sections[];

#endif
