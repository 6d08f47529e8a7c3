/*
 * strings.h - the functions of `string` that match patterns, for the list in
 * strings.c.  They charge their steps and let others run in the middle of a
 * match.
 */
#ifndef VM_STRINGS_H
#define VM_STRINGS_H

#include "vm/pattern.h"

struct lua_State;

int strings_find(struct lua_State *L);
int strings_match(struct lua_State *L);
int strings_gmatch(struct lua_State *L);
int strings_gsub(struct lua_State *L);

/* match_run with its steps charged; MATCH_PAUSE: save `m` (strings_save) and
 * return task_preempt.  [raises] */
enum match_status strings_search(struct lua_State *L, struct match *m);
/* Charge the steps since the last pause; at the end of a search. [raises] */
void strings_charge_rest(struct lua_State *L, const struct match *m);
/* Copy `m` to a new userdata on top of the stack, where it can go on.
 * [raises: mem] */
struct match *strings_save(struct lua_State *L, const struct match *m);
/* Zero-based start for a one-based or negative `init` (optional, default 1)
 * at `arg`; may be past the end.  [raises] */
size_t strings_init(struct lua_State *L, int arg, size_t len);

#endif
