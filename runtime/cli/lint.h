/*
 * lint.h - what is probably wrong in the files of a script that loads: handlers
 * that are none, globals and methods that are not there (lua/check).
 */
#ifndef CLI_LINT_H
#define CLI_LINT_H

#include <stddef.h>

#include "base/err.h"
#include "bindings/script.h"

struct lint_warning {
    char *file; /* as the main script's path begins */
    long line;
    char *text;
};

struct lint {
    struct lint_warning *warnings; /* by file and line */
    size_t count;
};

/*
 * Look through the main script at `main_path`, which has given `listing`, and
 * the modules that it names.  Nothing of it runs.  Returns 0 or ERR_LUA; `*out`
 * is always valid for lint_fini.  Blocks on the disk.
 */
int lint_run(const char *main_path, const struct script_listing *listing,
             struct lint *out, struct error *err);
void lint_fini(struct lint *lint);

#endif
