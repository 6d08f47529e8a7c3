#include "vm/tables.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>

#include "vm/lib.h"
#include "vm/task.h"
#include "vm/text.h"
#include "vm/vm.h"

static bool has_field(lua_State *L, const char *name, int table)
{
    lua_pushstring(L, name);
    return lua_rawget(L, table) != LUA_TNIL;
}

void tables_check(lua_State *L, int arg, int uses)
{
    int top = lua_gettop(L);

    if (lua_type(L, arg) == LUA_TTABLE)
        return;
    luaL_checkstack(L, 4, NULL);
    if (!lua_getmetatable(L, arg) ||
        ((uses & TABLE_READ) && !has_field(L, "__index", top + 1)) ||
        ((uses & TABLE_WRITE) && !has_field(L, "__newindex", top + 1)) ||
        ((uses & TABLE_LENGTH) && !has_field(L, "__len", top + 1)))
        luaL_checktype(L, arg, LUA_TTABLE); /* raises */
    lua_settop(L, top);
}

lua_Integer tables_length(lua_State *L, int arg, int uses)
{
    tables_check(L, arg, uses | TABLE_LENGTH);
    return luaL_len(L, arg);
}

/* Count one element; true when others should run now. */
static bool charge_element(lua_State *L, lua_Integer i)
{
    return i % TABLE_SLICE == 0 && vm_charge(L, TABLE_SLICE) &&
           lua_isyieldable(L);
}

/* Shift up from the end; `ctx` is the next place to be filled. */
static int insert_k(lua_State *L, int status, lua_KContext ctx)
{
    lua_Integer pos = lua_tointeger(L, 2);

    (void)status;
    for (lua_Integer i = ctx; i > pos; i--) {
        lua_geti(L, 1, i - 1);
        lua_seti(L, 1, i);
        if (charge_element(L, i))
            return task_preempt(L, i - 1, insert_k);
    }
    lua_settop(L, 3);
    lua_seti(L, 1, pos);
    return 0;
}

/* table.insert(t, [pos,] value). */
static int table_insert(lua_State *L)
{
    lua_Integer n = tables_length(L, 1, TABLE_READ | TABLE_WRITE);
    lua_Integer end = (lua_Integer)((lua_Unsigned)n + 1);

    switch (lua_gettop(L)) {
    case 2:
        lua_seti(L, 1, end);
        return 0;
    case 3: {
        lua_Integer pos = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)pos - 1 < (lua_Unsigned)end, 2,
                      "position out of bounds");
        return insert_k(L, LUA_OK, end);
    }
    default:
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
}

/* Shift down; `ctx` is the next place to be filled.  On the stack: the table,
 * its length, the result. */
static int remove_k(lua_State *L, int status, lua_KContext ctx)
{
    lua_Integer n = lua_tointeger(L, 2);
    lua_Integer i = ctx;

    (void)status;
    for (; i < n; i++) {
        lua_geti(L, 1, i + 1);
        lua_seti(L, 1, i);
        if (charge_element(L, i))
            return task_preempt(L, i + 1, remove_k);
    }
    lua_pushnil(L);
    lua_seti(L, 1, i);
    lua_settop(L, 3);
    return 1;
}

/* table.remove(t [, pos]) -> the element removed. */
static int table_remove(lua_State *L)
{
    lua_Integer n = tables_length(L, 1, TABLE_READ | TABLE_WRITE);
    lua_Integer pos = luaL_optinteger(L, 2, n);

    if (pos != n)
        luaL_argcheck(L, (lua_Unsigned)pos - 1 <= (lua_Unsigned)n, 2,
                      "position out of bounds");
    lua_settop(L, 1);
    lua_pushinteger(L, n);
    lua_geti(L, 1, pos);
    return remove_k(L, LUA_OK, pos);
}

static int move_target(lua_State *L)
{
    return lua_isnil(L, 5) ? 1 : 5;
}

/* From the first to the last; `ctx` elements have been moved. */
static int move_up_k(lua_State *L, int status, lua_KContext ctx)
{
    lua_Integer from = lua_tointeger(L, 2);
    lua_Integer n = lua_tointeger(L, 3) - from + 1;
    lua_Integer to = lua_tointeger(L, 4);
    int target = move_target(L);

    (void)status;
    for (lua_Integer i = ctx; i < n; i++) {
        lua_geti(L, 1, from + i);
        lua_seti(L, target, to + i);
        if (charge_element(L, i))
            return task_preempt(L, i + 1, move_up_k);
    }
    lua_pushvalue(L, target);
    return 1;
}

/* From the last to the first; `ctx` elements have not been moved. */
static int move_down_k(lua_State *L, int status, lua_KContext ctx)
{
    lua_Integer from = lua_tointeger(L, 2);
    lua_Integer to = lua_tointeger(L, 4);
    int target = move_target(L);

    (void)status;
    for (lua_Integer i = ctx - 1; i >= 0; i--) {
        lua_geti(L, 1, from + i);
        lua_seti(L, target, to + i);
        if (charge_element(L, i))
            return task_preempt(L, i, move_down_k);
    }
    lua_pushvalue(L, target);
    return 1;
}

/* table.move(a, f, e, t [, b]) -> b (or a), with a[f..e] from b[t] on. */
static int table_move(lua_State *L)
{
    lua_Integer f = luaL_checkinteger(L, 2);
    lua_Integer e = luaL_checkinteger(L, 3);
    lua_Integer t = luaL_checkinteger(L, 4);

    lua_settop(L, 5);
    int target = move_target(L);
    tables_check(L, 1, TABLE_READ);
    tables_check(L, target, TABLE_WRITE);
    if (e < f) {
        lua_pushvalue(L, target);
        return 1;
    }
    luaL_argcheck(L, f > 0 || e < LUA_MAXINTEGER + f, 3,
                  "too many elements to move");
    lua_Integer n = e - f + 1;
    luaL_argcheck(L, t <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
    if (t > e || t <= f || (target != 1 && !lua_compare(L, 1, 5, LUA_OPEQ)))
        return move_up_k(L, LUA_OK, 0);
    return move_down_k(L, LUA_OK, n);
}

/* table.pack(...) -> {n = select("#", ...), ...}. */
static int table_pack(lua_State *L)
{
    int n = lua_gettop(L);

    lua_createtable(L, n, 1);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, n);
    lua_setfield(L, 1, "n");
    return 1;
}

/* table.unpack(t [, i [, j]]) -> t[i], ..., t[j]. */
static int table_unpack(lua_State *L)
{
    lua_Integer i = luaL_optinteger(L, 2, 1);
    lua_Integer e =
        lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);

    if (i > e)
        return 0;
    lua_Unsigned n = (lua_Unsigned)e - (lua_Unsigned)i;
    if (n >= INT_MAX || !lua_checkstack(L, (int)n + 1))
        return luaL_error(L, "too many results to unpack");
    for (; i < e; i++) {
        lua_geti(L, 1, i);
        if (i % TABLE_SLICE == 0)
            vm_charge(L, TABLE_SLICE);
    }
    lua_geti(L, 1, e);
    return (int)n + 1;
}

/* Where concat keeps its state and its text, on the stack. */
enum { SEPARATOR = 2, CONCAT_STATE = 5, CONCAT_BOX };

struct concat {
    struct text out;
    lua_Integer i, last;
    bool is_kept; /* is the userdata at CONCAT_STATE */
};

static void add_field(lua_State *L, struct concat *c)
{
    size_t n;

    lua_geti(L, 1, c->i);
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
                   luaL_typename(L, -1), (LUAI_UACINT)c->i);
    const char *p = lua_tolstring(L, -1, &n);
    text_add(L, &c->out, p, n);
    lua_pop(L, 1);
}

static int concat_k(lua_State *L, int status, lua_KContext ctx);

static int pause_concat(lua_State *L, const struct concat *c)
{
    if (!c->is_kept) {
        struct concat *kept = lua_newuserdatauv(L, sizeof(*kept), 0);
        *kept = *c;
        kept->is_kept = true;
        lua_replace(L, CONCAT_STATE);
    }
    return task_preempt(L, 0, concat_k);
}

static int concat_go(lua_State *L, struct concat *c)
{
    size_t sep_len;
    const char *sep = luaL_optlstring(L, SEPARATOR, "", &sep_len);

    while (c->i < c->last) {
        add_field(L, c);
        text_add(L, &c->out, sep, sep_len);
        if (charge_element(L, c->i++))
            return pause_concat(L, c);
    }
    if (c->i == c->last)
        add_field(L, c);
    text_push(L, &c->out);
    return 1;
}

static int concat_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return concat_go(L, lua_touserdata(L, CONCAT_STATE));
}

/* table.concat(t [, sep [, i [, j]]]) -> t[i] .. sep .. t[i + 1] ... t[j]. */
static int table_concat(lua_State *L)
{
    struct concat c; /* not cleared: mostly bytes to come */
    lua_Integer n = tables_length(L, 1, TABLE_READ);

    luaL_optstring(L, SEPARATOR, "");
    c.is_kept = false;
    c.i = luaL_optinteger(L, 3, 1);
    c.last = luaL_optinteger(L, 4, n);
    lua_settop(L, CONCAT_BOX);
    text_init(&c.out, CONCAT_BOX);
    return concat_go(L, &c);
}

const luaL_Reg vm_table_lib[] = {
    {"concat", table_concat}, {"insert", table_insert},
    {"move", table_move},     {"pack", table_pack},
    {"remove", table_remove}, {"sort", tables_sort},
    {"unpack", table_unpack}, {NULL, NULL},
};
