#include "coordinator/cli/manual_text.h"

#include <stddef.h>

const struct manual_section manual_sections[] = {
    {"Which coordinator",
     "A context names a coordinator: where it is, how it is recognised, and with which key it is "
     "asked. Contexts stand in `~/.config/skein/contexts.yaml`; `SKEIN_CONTEXTS` names another "
     "file. `--context`, or else `SKEIN_CONTEXT`, or else `current` in the file chooses. Paths "
     "are relative to the file's folder.",
     "yaml",
     "current: prod\n"
     "contexts:\n"
     "  prod:\n"
     "    endpoint: tcp://skein.example.org:7462    # the coordinator's operators' socket\n"
     "    server: coordinator.pub                   # its public key: a file, or 64 hex digits\n"
     "    key: alice.key                            # your own, made by: skein keys new alice\n"},
    {"Where migrations are found",
     "In `skein.yaml`, looked for from the current folder upwards; or with `--migrations DIR`.",
     "yaml",
     "services:\n"
     "  auth:\n"
     "    migrations: services/auth/migrations\n"
     "  policy:\n"
     "    migrations: services/policy/migrations\n"},
    {"Output",
     "Tables are aligned and cut to the terminal's width; on a pipe nothing is cut. Colours are "
     "used on a terminal only, and not when `NO_COLOR` is set. With `--json` data and errors are "
     "JSON on standard output. Nothing asks a question when standard input is no terminal: it "
     "refuses and names the option that answers.",
     NULL, NULL},
    {"Errors",
     "One code, what is wrong, where it is, what was found or is allowed, what to do next. When "
     "input is refused, nothing has changed. The exit status follows from the code. A "
     "plan whose targets are refused for different reasons ends with the gravest of their "
     "statuses, from 70 over 7, 3, 4, 5 to 6, and names a target that has it: so 6 means that all "
     "of them only have to be waited for.",
     "text",
     "error[E-MIG-CHECKSUM]: migration 0007_add_email was changed after it was applied\n"
     "  where: services/auth/migrations/0007_add_email.up.sql\n"
     "  found: b3a1…, recorded 77fe…\n"
     "  hint:  restore the file, or write a new migration\n"},
    {NULL, NULL, NULL, NULL},
};
