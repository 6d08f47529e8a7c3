/*
 * freight.h - bytes outside its Lua state that an object has under way: the
 * arguments, bodies and results of its calls and requests.
 *
 * Its state is bounded by limits.memory_mb, its tasks with it; what they send
 * and what comes back is encoded, and waits where no state is charged for it.
 * So all of it counts from the call until the task goes on, and ends at
 * FREIGHT_MAX.
 */
#ifndef BINDINGS_FREIGHT_H
#define BINDINGS_FREIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

struct object;

enum { FREIGHT_MAX = 128 * 1024 * 1024 };

/* What one call has under way.  Zero-initialized: nothing. */
struct freight {
    struct object *of; /* awake; NULL: nothing is counted */
    size_t n;
};

/* Whether `o` may have `n` bytes more under way. */
bool freight_fits(const struct object *o, size_t n);
/* Raise what is said where it may not: code "overloaded". [raises] */
_Noreturn void freight_refuse(lua_State *L);
/* Count `n` bytes of `o`; `f` was empty. */
void freight_load(struct freight *f, struct object *o, size_t n);
/* They are `n` now.  Returns whether that many fit; if not, none are counted.
 * For empty freight they do. */
bool freight_change(struct freight *f, size_t n);
/* The task goes on, or ends. */
void freight_unload(struct freight *f);

/* As freight_refuse says it. */
extern const char freight_text[];

#endif
