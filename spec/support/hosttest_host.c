/* hosttest_host.c - configuration and file watching, for busted. */
#include <lauxlib.h>
#include <lua.h>

#include "base/err.h"
#include "host/address.h"
#include "host/config.h"
#include "host/watch.h"

#define WATCH_MT "hosttest.watch"

int luaopen_hosttest_host(lua_State *L);

static void set_text(lua_State *L, const char *key, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, int64_t n)
{
    lua_pushinteger(L, n);
    lua_setfield(L, -2, key);
}

static void set_pairs(lua_State *L, const char *key,
                      const struct config_pair *pairs, size_t count)
{
    lua_newtable(L);
    for (size_t i = 0; i < count; i++)
        set_text(L, pairs[i].from, pairs[i].to);
    lua_setfield(L, -2, key);
}

static void set_texts(lua_State *L, const char *key, char **texts, size_t count)
{
    lua_newtable(L);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, texts[i]);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, key);
}

static void push_limits(lua_State *L, const struct limits *limits)
{
    lua_newtable(L);
#define X(name, value) set_integer(L, #name, limits->name);
    LIMIT_MAP(X)
#undef X
}

static void push_config(lua_State *L, const struct config *c)
{
    lua_newtable(L);
    set_text(L, "file", c->file);
    set_text(L, "folder", c->folder);
    set_text(L, "main", c->main);
    set_text(L, "app", c->app);
    set_text(L, "listen", c->listen);
    set_text(L, "data", c->data);
    set_text(L, "assets", c->assets);
    set_text(L, "admin", c->admin);
    set_text(L, "admin_token", c->admin_token);
    set_integer(L, "workers", c->workers);
    set_integer(L, "history_days", c->history_days);
    lua_pushboolean(L, c->relaxed);
    lua_setfield(L, -2, "relaxed");
    lua_pushlstring(L, c->vars.p, c->vars.n);
    lua_setfield(L, -2, "vars");
    set_texts(L, "var_names", c->var_names, c->var_count);
    set_pairs(L, "keys", c->keys, c->key_count);
    set_pairs(L, "renamed", c->renamed, c->renamed_count);
    set_texts(L, "deleted", c->deleted, c->deleted_count);
    push_limits(L, &c->limits);
    lua_setfield(L, -2, "limits");
}

static int push_error(lua_State *L, const struct error *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, err_name(err->code));
    return 3;
}

/* config_load(target, file) -> table | nil, text, code name */
static int l_config_load(lua_State *L)
{
    struct config c;
    struct error err = {0};
    int rc = config_load(luaL_optstring(L, 1, NULL), luaL_optstring(L, 2, NULL),
                         &c, &err);

    if (rc == 0)
        push_config(L, &c);
    config_fini(&c);
    return rc == 0 ? 1 : push_error(L, &err);
}

/* config_set_listen(address) -> what is then listen | nil, text, code name */
static int l_config_set_listen(lua_State *L)
{
    const char *address = luaL_checkstring(L, 1);
    struct config c = {0};
    struct error err = {0};
    int rc = config_set_listen(&c, address, &err);

    lua_pushstring(L, c.listen);
    config_fini(&c);
    return rc == 0 ? 1 : push_error(L, &err);
}

/* address_check_free(address) -> true | nil, text, code name */
static int l_address_check_free(lua_State *L)
{
    struct error err = {0};
    int rc = address_check_free(luaL_checkstring(L, 1), &err);

    lua_pushboolean(L, 1);
    return rc == 0 ? 1 : push_error(L, &err);
}

/* config_check_class(target, name) -> true | nil, text, code name */
static int l_config_check_class(lua_State *L)
{
    struct config c;
    struct error err = {0};
    int rc = config_load(luaL_checkstring(L, 1), NULL, &c, &err);

    if (rc == 0)
        rc = config_check_class(&c, luaL_checkstring(L, 2), &err);
    config_fini(&c);
    lua_pushboolean(L, 1);
    return rc == 0 ? 1 : push_error(L, &err);
}

static struct watch *check_watch(lua_State *L)
{
    return *(struct watch **)luaL_checkudata(L, 1, WATCH_MT);
}

/* watch() -> watch, with methods file(path), folder(path), skip(path), and
 * changed() -> path or nil */
static int l_watch(lua_State *L)
{
    struct watch **u = lua_newuserdatauv(L, sizeof(struct watch *), 0);

    *u = NULL;
    luaL_setmetatable(L, WATCH_MT);
    *u = watch_new();
    return 1;
}

static int l_watch_file(lua_State *L)
{
    watch_file(check_watch(L), luaL_checkstring(L, 2));
    return 0;
}

static int l_watch_folder(lua_State *L)
{
    watch_folder(check_watch(L), luaL_checkstring(L, 2));
    return 0;
}

static int l_watch_skip(lua_State *L)
{
    watch_skip(check_watch(L), luaL_checkstring(L, 2));
    return 0;
}

static int l_watch_changed(lua_State *L)
{
    lua_pushstring(L, watch_changed(check_watch(L)));
    return 1;
}

static int l_watch_gc(lua_State *L)
{
    watch_free(check_watch(L));
    return 0;
}

static const luaL_Reg watch_methods[] = {
    {"file", l_watch_file}, {"folder", l_watch_folder},
    {"skip", l_watch_skip}, {"changed", l_watch_changed},
    {"__gc", l_watch_gc},   {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"config_load", l_config_load},
    {"config_set_listen", l_config_set_listen},
    {"config_check_class", l_config_check_class},
    {"address_check_free", l_address_check_free},
    {"watch", l_watch},
    {NULL, NULL},
};

int luaopen_hosttest_host(lua_State *L)
{
    luaL_newmetatable(L, WATCH_MT);
    luaL_setfuncs(L, watch_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
