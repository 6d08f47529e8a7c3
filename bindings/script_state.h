/*
 * script_state.h - a state for an object or router: the script loaded into it,
 * its table checked, the instance made.
 */
#ifndef BINDINGS_SCRIPT_STATE_H
#define BINDINGS_SCRIPT_STATE_H

#include <stdbool.h>

#include "base/err.h"
#include "object/object.h"

/* script_ops.open: o->vm and o->script; on failure `o` is as before.  ERR_LUA
 * with the text and, on further lines, the traceback. */
int script_open(struct object *o, struct error *err);
/* script_ops.has_init */
bool script_has_init(struct object *o);
/* script_ops.has_alarm */
bool script_has_alarm(struct object *o);
/* A new version of the script at `main_path`, with the runtime's own modules;
 * ERR_NOT_FOUND. */
int script_code_new(const char *main_path, struct code **out,
                    struct error *err);
/* The script of the console, which is part of the program. */
struct code *script_code_console(void);

#endif
