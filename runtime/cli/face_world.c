/* face_world.c - worlds as userdata: started, run, moved in time, ended. */
#include <inttypes.h>

#include "bindings/bind.h"
#include "cli/face_inside.h"

#define WORLD_MT "moonkeep.test.world"

enum { SETTINGS_MAX = 1024 * 1024, LIVE_MAX = 32 };

/* Functions by their numbers (face_values.c); what Lua makes of the world. */
enum { AT_FUNCTIONS = 1, AT_TABLE, USER_VALUES = AT_TABLE };

struct lworld {
    struct world *world; /* NULL: stopped */
};

/* ---- life ---- */

static int world_gc(lua_State *L)
{
    struct lworld *u = luaL_checkudata(L, 1, WORLD_MT);
    struct world *w = u->world;

    u->world = NULL;
    world_stop(w);
    return 0;
}

static const luaL_Reg world_meta[] = {
    {"__gc", world_gc}, {"__close", world_gc}, {NULL, NULL}};

static struct lworld *new_world(lua_State *L)
{
    struct lworld *u = lua_newuserdatauv(L, sizeof(*u), USER_VALUES);

    u->world = NULL;
    if (luaL_newmetatable(L, WORLD_MT) != 0)
        luaL_setfuncs(L, world_meta, 0);
    lua_setmetatable(L, -2);
    return u;
}

struct world *face_check_world(lua_State *L, int arg)
{
    struct lworld *u = luaL_checkudata(L, arg, WORLD_MT);

    if (u->world == NULL)
        bind_raise(L, "stopped", "the world was stopped");
    if (world_is_gone(u->world))
        bind_raise(L, "stopped", "the world did not start again");
    return u->world;
}

struct world *face_world_of(lua_State *L, int arg)
{
    lua_getiuservalue(L, arg, 1);
    struct lworld *u = luaL_checkudata(L, -1, WORLD_MT);

    lua_pop(L, 1);
    return u->world;
}

void *face_new(lua_State *L, const char *name, lua_CFunction gc, size_t size,
               int arg)
{
    void *u = lua_newuserdatauv(L, size, 1);

    memset(u, 0, size);
    lua_pushvalue(L, arg);
    lua_setiuservalue(L, -2, 1);
    if (luaL_newmetatable(L, name) != 0) {
        lua_pushcfunction(L, gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return u;
}

/* A world weighs more than the collector knows. */
static void charge(lua_State *L)
{
    static const char key = 0;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
    lua_Integer n = lua_tointeger(L, -1) + 1;

    lua_pop(L, 1);
    lua_pushinteger(L, n % LIVE_MAX);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    if (n == LIVE_MAX)
        lua_gc(L, LUA_GCCOLLECT);
}

/* core.start(target, file, settings, seed, now) -> world | nil, text, code.
 * Settings is a table, or nil. */
static int start(lua_State *L)
{
    struct buf *settings = face_scratch(L);
    struct error err = {0};
    struct world_config config = {.target = luaL_optstring(L, 1, NULL),
                                  .file = luaL_optstring(L, 2, NULL),
                                  .seed = (uint64_t)luaL_checkinteger(L, 4),
                                  .now_ms = luaL_checkinteger(L, 5)};
    const struct value_hooks hooks = {.verb = "used here", .root = "start"};

    charge(L);
    struct lworld *u = new_world(L);
    int rc = 0;

    if (lua_istable(L, 3))
        rc = face_encode(L, 3, &hooks, SETTINGS_MAX, settings, &err);
    config.settings = buf_slice(settings);
    if (rc == 0)
        rc = world_start(&config, &u->world, &err);
    if (rc == 0)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    lua_pushstring(L, err_name(rc));
    return 3;
}

static int done(lua_State *L, int rc, const struct error *err)
{
    if (rc != 0)
        return bind_raise_error(L, NULL, err);
    return 0;
}

/* core.crash(world) */
static int crash(lua_State *L)
{
    struct error err = {0};

    return done(L, world_crash(face_check_world(L, 1), &err), &err);
}

/* core.setTable(world, table): what Lua makes of it, which lives as long */
static int set_table(lua_State *L)
{
    face_check_world(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, AT_TABLE);
    return 0;
}

/* core.tableOf(stub or reference) -> that table */
static int table_of(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TUSERDATA);
    lua_getiuservalue(L, 1, 1);
    luaL_checkudata(L, -1, WORLD_MT);
    lua_getiuservalue(L, -1, AT_TABLE);
    return 1;
}

/* core.reload(world) */
static int reload(lua_State *L)
{
    struct error err = {0};

    return done(L, world_reload(face_check_world(L, 1), &err), &err);
}

/* core.cut(world, n): the n-th write from now is the last; 0: none is. */
static int cut(lua_State *L)
{
    world_cut_after(face_check_world(L, 1), luaL_checkinteger(L, 2));
    return 0;
}

/* core.failCommit(world, id) */
static int fail_commit(lua_State *L)
{
    world_fail_commit(face_check_world(L, 1), &face_check_address(L, 2)->oid);
    return 0;
}

/* ---- time ---- */

/* core.run(world, call) -> "done", "quiet", "asks", "down", "restless" */
static int run(lua_State *L)
{
    static const char *const names[] = {[WORLD_DONE] = "done",
                                        [WORLD_QUIET] = "quiet",
                                        [WORLD_ASKS] = "asks",
                                        [WORLD_DOWN] = "down",
                                        [WORLD_RESTLESS] = "restless"};
    struct world *w = face_check_world(L, 1);
    const bool *is_over = lua_isnoneornil(L, 2) ? NULL : face_check_over(L, 2);

    lua_pushstring(L, names[world_run(w, is_over)]);
    return 1;
}

/* core.step(world, until) -> whether something is due now */
static int step(lua_State *L)
{
    struct world *w = face_check_world(L, 1);

    lua_pushboolean(L, world_step(w, luaL_checkinteger(L, 2)));
    return 1;
}

/* core.now(world) -> ms */
static int now(lua_State *L)
{
    lua_pushinteger(L, world_now_ms(face_check_world(L, 1)));
    return 1;
}

/* core.next(world) -> ms until something is due, or nil */
static int next(lua_State *L)
{
    int64_t ms = world_next_ms(face_check_world(L, 1));

    if (ms < 0)
        return 0;
    lua_pushinteger(L, ms);
    return 1;
}

/* ---- looking around ---- */

static int add_name(void *arg, const char *name)
{
    lua_State *L = arg;

    lua_pushstring(L, name);
    lua_seti(L, -2, luaL_len(L, -2) + 1);
    return 0;
}

/* core.classes(world) -> array of names */
static int classes(lua_State *L)
{
    struct world *w = face_check_world(L, 1);

    lua_newtable(L);
    world_classes(w, add_name, L);
    return 1;
}

static void set_text(lua_State *L, const char *key, const struct buf *b)
{
    if (b->n == 0)
        return;
    lua_pushlstring(L, b->p, b->n);
    lua_setfield(L, -2, key);
}

/* The members of a JSON object, without its braces. */
static void set_fields(lua_State *L, const struct buf *fields)
{
    if (fields->n == 0)
        return;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    luaL_addchar(&b, '{');
    luaL_addlstring(&b, fields->p, fields->n);
    luaL_addchar(&b, '}');
    luaL_pushresult(&b);
    face_push_json(L, bind_to_slice(L, -1));
    lua_setfield(L, -3, "fields");
    lua_pop(L, 1);
}

static void push_line(lua_State *L, const struct world_line *l)
{
    static const char *const levels[] = {[LOG_DEBUG] = "debug",
                                         [LOG_INFO] = "info",
                                         [LOG_WARN] = "warn",
                                         [LOG_ERROR] = "error"};

    lua_createtable(L, 0, 8);
    lua_pushinteger(L, l->time);
    lua_setfield(L, -2, "time");
    lua_pushstring(L, levels[l->level]);
    lua_setfield(L, -2, "level");
    lua_pushlstring(L, l->message.p, l->message.n);
    lua_setfield(L, -2, "message");
    set_text(L, "class", &l->class_name);
    set_text(L, "name", &l->name);
    set_text(L, "id", &l->id);
    set_text(L, "trace", &l->trace);
    set_fields(L, &l->fields);
}

/* core.lines(world, from) -> array of log lines from that one on, counted from
 * 1 since the world began; the number of the next */
static int lines(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    size_t from = (size_t)luaL_checkinteger(L, 2) - 1;
    size_t count, dropped;
    const struct world_line *l = world_lines(w, &count, &dropped);
    size_t first = from > dropped ? from - dropped : 0;
    lua_Integer n = 0;

    luaL_checkstack(L, 10, NULL);
    lua_newtable(L);
    for (size_t i = first; i < count; i++) {
        push_line(L, &l[i]);
        lua_rawseti(L, -2, ++n);
    }
    lua_pushinteger(L, (lua_Integer)(dropped + count) + 1);
    return 2;
}

const luaL_Reg face_world[] = {
    {"start", start},
    {"stop", world_gc},
    {"crash", crash},
    {"reload", reload},
    {"setTable", set_table},
    {"tableOf", table_of},
    {"cut", cut},
    {"failCommit", fail_commit},
    {"run", run},
    {"step", step},
    {"now", now},
    {"next", next},
    {"classes", classes},
    {"lines", lines},
    {NULL, NULL},
};
