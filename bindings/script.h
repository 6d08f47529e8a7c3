/*
 * script.h - what a main script returns, listed: its classes, their handlers
 * and methods.  For `moonkeep check`; serving reads the script in each state.
 */
#ifndef BINDINGS_SCRIPT_H
#define BINDINGS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct code;

/* One class that the script returns; all owned by the listing. */
struct script_class {
    char *name;      /* its key in the table that the script returns */
    char **handlers; /* those it has or inherits, in the order of API.md,
                        section 2: "init", "fetch", "alarm" ... */
    size_t handler_count;
    char **methods; /* callable through a stub, bases included; by name */
    size_t method_count;
};

struct script_listing {
    struct script_class *classes; /* by name */
    size_t class_count;
    bool has_fetch; /* the script has a router of its own */
};

/*
 * Load the main script at `main_path`, and the modules that it requires, in a
 * fresh state with the bindings, within `cpu_ns` of processor time, and list
 * what it returns.  Nothing of it but its main chunk runs.  Returns 0,
 * ERR_NOT_FOUND (no such file) or ERR_LUA: it does not load, does not return a
 * table, or a class in it has a reserved name; the text begins with file and
 * line where there is one, and the traceback follows on further lines.  `*out`
 * is always valid for script_listing_fini.  Blocks on the disk.
 */
int script_listing_load(const char *main_path, uint64_t cpu_ns,
                        struct script_listing *out, struct error *err);
/* The same for a version of the script that is there already; what its main
 * chunk requires is read and kept in it. */
int script_listing_of(struct code *code, uint64_t cpu_ns,
                      struct script_listing *out, struct error *err);
void script_listing_fini(struct script_listing *listing);

#endif
