#include "vm/text.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>

void text_init(struct text *t, int slot)
{
    t->box = NULL;
    t->n = 0;
    t->cap = TEXT_FEW;
    t->slot = slot;
}

static void grow(lua_State *L, struct text *t, size_t more)
{
    if (more > SIZE_MAX / 4 - t->n)
        luaL_error(L, "buffer too large");
    size_t cap = t->cap * 2;
    if (cap < t->n + more)
        cap = t->n + more;
    char *box = lua_newuserdatauv(L, cap, 0);
    memcpy(box, t->box != NULL ? t->box : t->few, t->n);
    lua_replace(L, t->slot);
    t->box = box;
    t->cap = cap;
}

char *text_room(lua_State *L, struct text *t, size_t more)
{
    if (more > t->cap - t->n)
        grow(L, t, more);
    return (t->box != NULL ? t->box : t->few) + t->n;
}

void text_push(lua_State *L, const struct text *t)
{
    lua_pushlstring(L, t->box != NULL ? t->box : t->few, t->n);
}
