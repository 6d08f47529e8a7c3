#include "bindings/header_fields.h"

#include "bindings/bind.h"
#include "bindings/header_text.h"
#include "bindings/headers.h"

/* Add the strings of the array on top.  False when there are too many. */
static bool gather_array(lua_State *L, struct slice name,
                         struct few_fields *few, uint32_t *count)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);

    for (lua_Integer i = 1; i <= n; i++) {
        if (*count == HEADERS_FEW)
            return false;
        lua_rawgeti(L, -1, i);
        few->list[*count].name = name;
        few->list[*count].value = header_check_value(L, name, -1);
        (*count)++;
        lua_pop(L, 1); /* the array keeps it */
    }
    return true;
}

/* The members of the table at `idx`.  False when there are too many. */
static bool gather(lua_State *L, int idx, struct few_fields *few,
                   uint32_t *count)
{
    lua_pushnil(L);
    while (lua_next(L, idx) != 0) {
        struct slice name = header_check_name(L, lua_gettop(L) - 1);

        if (lua_type(L, -1) == LUA_TTABLE) {
            if (!gather_array(L, name, few, count))
                return false;
        } else if (*count == HEADERS_FEW) {
            return false;
        } else {
            few->list[*count].name = name;
            few->list[*count].value = header_check_value(L, name, -1);
            (*count)++;
        }
        lua_pop(L, 1);
    }
    return true;
}

struct field *headers_read(lua_State *L, int idx, struct slice type,
                           struct few_fields *few, uint32_t *count)
{
    luaL_checkstack(L, 12, NULL);
    *count = 0;
    bool is_nothing = idx == 0 || lua_isnil(L, idx);
    bool is_table = !is_nothing && lua_type(L, idx) == LUA_TTABLE;
    if (is_nothing ||
        (is_table && gather(L, lua_absindex(L, idx), few, count))) {
        if (type.p != NULL &&
            fields_find(few->list, *count, SLICE("content-type")) == NULL)
            few->list[(*count)++] = (struct field){SLICE("content-type"), type};
        return few->list;
    }
    headers_push_new(L, idx);
    if (type.p != NULL)
        headers_default(L, -1, "content-type", type);
    return headers_fields(L, -1, count);
}
