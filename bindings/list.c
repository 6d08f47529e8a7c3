/* storage:list. */
#include "bindings/bind.h"
#include "bindings/storage.h"
#include "store/db.h"
#include "store/kv.h"
#include "vm/value.h"
#include "vm/vm.h"

/* `list` is NULL before it is open, after the end and after close. */
struct listing {
    struct kv_list *list;
};

static int listing_close(lua_State *L)
{
    struct listing *u = lua_touserdata(L, 1);

    kv_list_free(u->list);
    u->list = NULL;
    return 0;
}

static const luaL_Reg listing_methods[] = {
    {"__gc", listing_close},
    {"__close", listing_close},
    {NULL, NULL},
};

static const struct bind_class listing_class = {.name = "list",
                                                .methods = listing_methods};

/* iterator() -> key, value; nothing at the end. */
static int next(lua_State *L)
{
    struct listing *u = lua_touserdata(L, lua_upvalueindex(1));
    struct error err = {0};
    struct slice key = {NULL, 0};
    struct slice value = {NULL, 0};
    size_t used = 0;

    if (u->list == NULL)
        return 0;
    bind_db(L); /* raises when the database is broken */
    int rc = kv_list_next(u->list, &key, &value, &err);
    if (rc <= 0) {
        kv_list_free(u->list);
        u->list = NULL;
    }
    if (rc == ERR_CANCELED)
        return bind_raise_error(L, NULL, &err);
    if (rc < 0)
        return bind_db_failed(L, NULL, &err);
    if (rc == 0)
        return 0;
    vm_charge(L, value.n / 8);
    bind_push_slice(L, key);
    if (value_decode(L, value, &bind_stored_hooks, &used, &err) != 0)
        return bind_raise(L, NULL, "the value stored under '%s' is damaged: %s",
                          lua_tostring(L, -1), err.text);
    return 2;
}

/* The string option `name` of the table at 2; it stays on the stack. */
static struct slice option(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, 2);
    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
        bind_raise(L, NULL, "list() option %s must be a string, got %s", name,
                   bind_what(L, -1));
    return bind_to_slice(L, -1);
}

static int64_t check_limit(lua_State *L)
{
    int is_integer = 0;

    lua_pushliteral(L, "limit");
    if (lua_rawget(L, 2) == LUA_TNIL)
        return -1;
    lua_Integer limit = lua_tointegerx(L, -1, &is_integer);
    if (lua_type(L, -1) != LUA_TNUMBER || !is_integer)
        bind_raise(L, NULL, "list() option limit must be an integer, got %s",
                   bind_what(L, -1));
    if (limit <= 0)
        bind_raise(L, NULL, "List limit must be positive.");
    return limit;
}

/* The options at 2; what `out` points to stays on the stack. */
static void check_range(lua_State *L, struct kv_range *out)
{
    struct slice after = {NULL, 0};

    if (lua_type(L, 2) != LUA_TTABLE)
        bind_raise(L, NULL, "list() options must be a table, got %s",
                   bind_what(L, 2));
    out->prefix = option(L, "prefix");
    out->start = option(L, "start");
    after = option(L, "startAfter");
    out->stop = option(L, "stop");
    if (out->start.p != NULL && after.p != NULL)
        bind_raise(L, NULL,
                   "list() cannot be called with both start and "
                   "startAfter values.");
    if (after.p != NULL) {
        out->start = after;
        out->start_is_excluded = true;
    }
    lua_pushliteral(L, "reverse");
    if (lua_rawget(L, 2) != LUA_TNIL && !lua_isboolean(L, -1))
        bind_raise(L, NULL, "list() option reverse must be a boolean, got %s",
                   bind_what(L, -1));
    out->reverse = lua_toboolean(L, -1) != 0;
    out->limit = check_limit(L);
}

/*
 * storage:list([{ prefix=, start=, startAfter=, stop=, reverse=, limit= }])
 * -> iterator over key, value (and, for `for`, what closes it)
 *
 * Shows the storage as it is now; usable across waits.
 */
int storage_list(lua_State *L)
{
    struct db *db = storage_check(L, "storage:list");
    struct kv_range range = {.limit = -1};
    struct error err = {0};

    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        check_range(L, &range);
    /* The owner exists, empty and collectable, before the list does. */
    struct listing *u = bind_new(L, &listing_class, sizeof(*u), 0);
    int at = lua_gettop(L);
    lua_pushvalue(L, at);
    lua_pushcclosure(L, next, 1);
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, at);
    int rc = kv_list_new(db, &range, &u->list, &err);
    return rc < 0 ? bind_db_failed(L, NULL, &err) : 4;
}
