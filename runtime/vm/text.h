/*
 * text.h - a string in the making, in Lua memory: as luaL_Buffer, but it can
 * be moved (with the struct it is part of) and lives across a yield.
 */
#ifndef VM_TEXT_H
#define VM_TEXT_H

#include <stddef.h>

#include "base/slice.h"

struct lua_State;

enum { TEXT_FEW = 256 };

struct text {
    char *box;  /* NULL while the bytes fit into `few` */
    size_t n;   /* bytes used */
    size_t cap; /* bytes there is room for */
    int slot;   /* stack index that holds the memory of `box` */
    char few[TEXT_FEW];
};

/* An empty text; the value at stack index `slot` is its own from now on. */
void text_init(struct text *t, int slot);
/* Make room for `more` bytes.  [raises: mem] */
char *text_room(struct lua_State *L, struct text *t, size_t more);
/* Push it as a string.  [raises: mem] */
void text_push(struct lua_State *L, const struct text *t);

/* [raises: mem] */
static inline void text_add(struct lua_State *L, struct text *t, const char *p,
                            size_t n)
{
    if (n == 0)
        return;
    memcpy(text_room(L, t, n), p, n);
    t->n += n;
}

#endif
