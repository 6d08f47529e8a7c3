#include "bindings/export.h"

#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/modules.h"
#include "bindings/names.h"
#include "object/object.h"
#include "object/target.h"
#include "vm/vm.h"

/* So far a method is looked for along __index. */
enum { BASES_MAX = 100 };

/* Addresses, as registry keys: number -> value and value -> number of what is
 * held elsewhere; table -> true for what mk.target was given. */
static const char exports_key, marks_key;

/* ---- mk.target ---- */

/* Push the table of marks, which keeps none of them alive. */
static void push_marks(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &marks_key);
}

/*
 * mk.target(table) -> that table
 *
 * Sent to another object, or returned to one, the table goes by reference from
 * now on: there its functions, and those along __index, are methods, called
 * with the table before the arguments.  Not those whose names begin with "_".
 * Raises on anything but a table.
 */
static int target(lua_State *L)
{
    if (!lua_istable(L, 1))
        return bind_arg_error(L, 1, "a table expected, got %s",
                              bind_what(L, 1));
    lua_settop(L, 1);
    push_marks(L);
    lua_pushvalue(L, 1);
    lua_pushboolean(L, 1);
    lua_rawset(L, 2);
    lua_settop(L, 1);
    /* Without one a table is plain data (vm/value.h). */
    if (lua_getmetatable(L, 1) == 0) {
        lua_newtable(L);
        lua_setmetatable(L, 1);
    }
    lua_settop(L, 1);
    return 1;
}

int bind_open_target(lua_State *L)
{
    lua_pushcfunction(L, target);
    return 1;
}

static bool is_marked(lua_State *L, int idx)
{
    bool is_marked = false;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key) == LUA_TTABLE) {
        lua_pushvalue(L, idx);
        is_marked = lua_rawget(L, -2) != LUA_TNIL;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return is_marked;
}

/* ---- numbers ---- */

static void push_exports(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &exports_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &exports_key);
}

/* The target of the value at 1, if it is held elsewhere already; the exports
 * are at 3. */
static struct target *find(lua_State *L, const struct object *o)
{
    lua_pushvalue(L, 1);
    lua_rawget(L, 3);
    uint64_t number = (uint64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return number == 0 ? NULL : target_find(o->realm, number);
}

/* Remember the value under the number that it will get. */
static void keep(lua_State *L, const struct object *o)
{
    lua_Integer number = (lua_Integer)o->realm->target_count + 1;

    lua_pushvalue(L, 1);
    lua_pushinteger(L, number);
    lua_rawset(L, 3);
    lua_pushvalue(L, 1);
    lua_rawseti(L, 3, number);
}

/* Arguments: the value, where to put its target. */
static int export(lua_State *L)
{
    struct target **out = lua_touserdata(L, 2);
    struct object *o = bind_object(L);

    push_exports(L);
    *out = find(L, o);
    if (*out != NULL || o->targets_n >= TARGETS_MAX)
        return 0;
    keep(L, o);
    *out = target_new(o, lua_isfunction(L, 1));
    return 0;
}

static int refuse(struct buf *out, int code, const char *why)
{
    buf_add_text(out, why);
    return code;
}

static int add(lua_State *L, int idx, struct buf *out, struct targets *to)
{
    struct target *t = NULL;

    lua_pushcfunction(L, export);
    lua_pushvalue(L, idx);
    lua_pushlightuserdata(L, &t);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return refuse(out, ERR_NOMEM, "out of memory");
    }
    if (t == NULL) {
        buf_printf(out,
                   "%d functions and targets of this object are held "
                   "elsewhere, the most there may be",
                   TARGETS_MAX);
        return ERR_INVALID;
    }
    names_pack_place(out, targets_add(to, target_hold(t)));
    return EXT_REF;
}

int export_pack(lua_State *L, int idx, struct buf *out, struct targets *to)
{
    if (!lua_checkstack(L, 8))
        return refuse(out, ERR_NOMEM, "out of memory");
    if (!lua_isfunction(L, idx) && !(lua_istable(L, idx) && is_marked(L, idx)))
        return 0;
    return add(L, idx, out, to);
}

bool export_push(lua_State *L, uint64_t number)
{
    push_exports(L);
    bool is_known = lua_rawgeti(L, -1, (lua_Integer)number) != LUA_TNIL;

    lua_remove(L, -2);
    if (!is_known)
        lua_pop(L, 1);
    return is_known;
}

/* Neither of these two adds a key: they cannot fail. */
static int forget(lua_State *L)
{
    const uint64_t *number = lua_touserdata(L, 1);

    push_exports(L);
    if (!export_push(L, *number))
        return 0;
    lua_pushnil(L);
    lua_rawset(L, 2);
    lua_pushnil(L);
    lua_rawseti(L, 2, (lua_Integer)*number);
    return 0;
}

void export_forget(struct object *o, uint64_t number)
{
    vm_protect(o->vm, forget, &number, NULL);
}

/* ---- calls ---- */

/* Replace the table on top by the one that its __index is; false: it has
 * none. */
static bool go_to_base(lua_State *L)
{
    if (lua_getmetatable(L, -1) == 0)
        return false;
    lua_pushliteral(L, "__index");
    bool is_table = lua_rawget(L, -2) == LUA_TTABLE;

    lua_replace(L, -3);
    lua_pop(L, 1);
    return is_table;
}

/* Push the function of that name of the table on top; runs no script code. */
static bool push_method(lua_State *L, const char *name)
{
    bool has_more = name[0] != '_' && name[0] != '\0';

    lua_pushvalue(L, -1);
    for (int i = 0; has_more && i < BASES_MAX; i++) {
        lua_pushstring(L, name);
        int type = lua_rawget(L, -2);
        if (type == LUA_TFUNCTION) {
            lua_remove(L, -2);
            return true;
        }
        lua_pop(L, 1);
        has_more = type == LUA_TNIL && go_to_base(L);
    }
    lua_pop(L, 1);
    return false;
}

int export_push_call(lua_State *L, const struct event *e)
{
    if (!export_push(L, e->target))
        bind_raise(L, "reset",
                   "the object that this function or target is part of was "
                   "reset or evicted");
    if (lua_isfunction(L, -1))
        return 1;
    if (!push_method(L, e->method))
        bind_raise(L, "not_found", "the target has no method '%s'", e->method);
    lua_insert(L, -2);
    return 2;
}
