/*
 * code.h - the source of one version of a script: read, checked and compiled
 * once per process, loaded by each state.
 *
 * Reference-counted; safe to use from several threads.  Modules are found
 * below the folder of the main script only (name.lua, then name/init.lua; dots
 * in the name are folders), and among the built-in ones.
 */
#ifndef VM_CODE_H
#define VM_CODE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

struct image;
struct lua_State;
struct code;

/* `main_path` is the main script.  Reads nothing yet; ERR_NOT_FOUND when there
 * is no such file. */
int code_new(const char *main_path, struct code **out, struct error *err);
/* One without files: its main script is `source`, borrowed for ever, called
 * `name` in messages; it finds built-in modules alone. */
struct code *code_new_builtin(const char *name, struct slice source);
struct code *code_hold(struct code *c); /* NULL is allowed */
void code_drop(struct code *c);         /* NULL is allowed */

/* A module of the runtime itself, "moonkeep.<something>"; `source` is borrowed
 * for ever.  Before any use by another thread. */
void code_add_builtin(struct code *c, const char *name, struct slice source);

/* Push the compiled main script as a function.  Returns 0, or ERR_LUA with
 * nothing pushed: no such file, a precompiled chunk, a syntax error with file
 * and line.  [raises: mem] */
int code_push_main(struct code *c, struct lua_State *L, struct error *err);
/* Push the module `name`'s function (its chunk).  As code_push_main; besides,
 * ERR_NOT_FOUND tells the places that were looked at, ERR_INVALID what is
 * wrong with the name.  [raises: mem] */
int code_push_module(struct code *c, struct lua_State *L, struct slice name,
                     struct error *err);
/* The image of states that have loaded the script, once there is one, else
 * NULL; lives as long as `c`.  It is made by the caller that code_begin_image
 * is true for, the first one, and then given away with code_set_image. */
const struct image *code_image(struct code *c);
bool code_begin_image(struct code *c);
void code_set_image(struct code *c, struct image *image);
/* The chunk name of the main script: "main.lua". */
const char *code_main_name(const struct code *c);
/* Every file that was read so far, for watching: calls each(arg, path). */
void code_files(struct code *c, void (*each)(void *arg, const char *path),
                void *arg);

#endif
