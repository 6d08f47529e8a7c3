/* mk.log. */
#include "bindings/bind.h"
#include "bindings/json.h"
#include "bindings/modules.h"
#include "vm/vm.h"

enum { FIELDS_MAX = 256 * 1024 };

static void add_key(lua_State *L, int idx, struct buf *out)
{
    size_t at = 0;

    if (lua_type(L, idx) == LUA_TSTRING)
        json_add_string(out, bind_to_slice(L, idx), JSON_LENIENT, &at);
    else if (lua_isinteger(L, idx))
        buf_printf(out, "\"%lld\"", (long long)lua_tointeger(L, idx));
    else if (lua_type(L, idx) == LUA_TNUMBER)
        buf_printf(out, "\"%.14g\"", lua_tonumber(L, idx));
    else
        buf_printf(out, "\"%s\"", luaL_typename(L, idx));
}

/* The members of the table at `idx`, as in JSON but without the braces. */
static int add_fields(lua_State *L, int idx, struct buf *out, struct error *err)
{
    int rc = 0;

    lua_pushnil(L);
    while (rc == 0 && lua_next(L, idx) != 0) {
        if (out->n != 0)
            buf_add_byte(out, ',');
        add_key(L, -2, out);
        buf_add_byte(out, ':');
        rc = json_encode(L, -1, JSON_LENIENT, FIELDS_MAX, out, err);
        lua_pop(L, 1);
    }
    return rc;
}

static int line(lua_State *L, enum log_level level)
{
    const struct vm_config *config = vm_config(vm_of(L));
    struct error err = {0};
    struct slice fields = {NULL, 0};

    if (lua_isnone(L, 1))
        return bind_arg_error(L, 1, "a message expected");
    if (!lua_isnoneornil(L, 2) && lua_type(L, 2) != LUA_TTABLE)
        return bind_arg_error(L, 2, "a table of fields expected, got %s",
                              bind_what(L, 2));
    lua_settop(L, 2);
    luaL_tolstring(L, 1, NULL); /* may run a __tostring: before the scratch */
    if (lua_type(L, 2) == LUA_TTABLE) {
        struct buf *out = bind_scratch(L);

        luaL_checkstack(L, 4, NULL);
        if (add_fields(L, 2, out, &err) != 0)
            return bind_raise_error(L, NULL, &err);
        vm_charge(L, out->n / 4);
        fields = buf_slice(out);
    }
    vm_outside(L);
    if (config->log != NULL)
        config->log(config->owner, level, bind_to_slice(L, 3), fields);
    return 0;
}

/* mk.log.debug(message [, fields]) */
static int debug(lua_State *L)
{
    return line(L, LOG_DEBUG);
}

/* mk.log.info(message [, fields]) */
static int info(lua_State *L)
{
    return line(L, LOG_INFO);
}

/* mk.log.warn(message [, fields]) */
static int warn(lua_State *L)
{
    return line(L, LOG_WARN);
}

/* mk.log.error(message [, fields]): one line of the log; what JSON has not is
 * named, not refused, since a log line should not fail. */
static int error(lua_State *L)
{
    return line(L, LOG_ERROR);
}

static const luaL_Reg functions[] = {
    {"debug", debug}, {"info", info}, {"warn", warn},
    {"error", error}, {NULL, NULL},
};

int bind_open_log(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
