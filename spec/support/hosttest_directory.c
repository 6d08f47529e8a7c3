/*
 * hosttest_directory.c - the directory of objects (directory.h) for busted.
 *
 *   local T = require "hosttest_directory"
 *   local d = T.open{ path=, anew= }       -- without path: in memory
 *   d:note("Class", 7, { name=, created=, last_commit=, bytes=, alarm=, dead=,
 *                        new=, gone= })
 *   d:list{ class=, prefix=, after=, after_id=, alarm=, dead=, limit= }
 *
 * What fails returns nil, text, name of the error.
 */
#include "spec/support/directory_face.h"

#define DIRECTORY_MT "hosttest.directory"

int luaopen_hosttest_directory(lua_State *L);

struct ldirectory {
    struct directory *d;
    struct directory_reader *r;
};

static struct ldirectory *check(lua_State *L)
{
    struct ldirectory *u = luaL_checkudata(L, 1, DIRECTORY_MT);

    luaL_argcheck(L, u->d != NULL, 1, "it is closed");
    return u;
}

static struct directory_reader *reader(lua_State *L)
{
    struct ldirectory *u = check(L);
    struct error err = {0};

    if (u->r == NULL && directory_reader_open(u->d, &u->r, &err) != 0)
        luaL_error(L, "%s", err.text);
    return u->r;
}

static int open_directory(lua_State *L)
{
    struct error err = {0};

    luaL_checktype(L, 1, LUA_TTABLE);
    struct directory_config config = {.path = directory_text(L, 1, "path").p};
    lua_getfield(L, 1, "anew");
    config.makes_anew = lua_toboolean(L, -1) != 0;
    struct ldirectory *u = make(L, sizeof(*u), DIRECTORY_MT);
    int rc = directory_open(&config, &u->d, &err);
    return rc != 0 ? fail(L, rc, err.text) : 1;
}

static int close_directory(lua_State *L)
{
    struct ldirectory *u = luaL_checkudata(L, 1, DIRECTORY_MT);

    directory_reader_close(u->r);
    directory_close(u->d);
    *u = (struct ldirectory){0};
    return 0;
}

static int drop(lua_State *L)
{
    struct ldirectory *u = check(L);

    directory_reader_close(u->r);
    directory_drop(u->d);
    *u = (struct ldirectory){0};
    return 0;
}

/* Whether t[name] is there; it stays on the stack. */
static bool has(lua_State *L, int t, const char *name)
{
    return lua_getfield(L, t, name) != LUA_TNIL;
}

static int note(lua_State *L)
{
    struct ldirectory *u = check(L);
    struct directory_entry e = {.class_name = slice_of(luaL_checkstring(L, 2)),
                                .id = directory_id(L, 3)};
    unsigned known = 0;

    luaL_checktype(L, 4, LUA_TTABLE);
    e.name = directory_text(L, 4, "name");
    e.created = field(L, 4, "created", 0);
    e.last_commit = field(L, 4, "last_commit", 0);
    e.bytes = field(L, 4, "bytes", 0);
    e.next_alarm = field(L, 4, "alarm", 0);
    e.dead = field(L, 4, "dead", 0);
    known |= has(L, 4, "name") ? DIRECTORY_NAME : 0;
    known |= has(L, 4, "bytes") ? DIRECTORY_SIZE : 0;
    known |= has(L, 4, "alarm") ? DIRECTORY_ALARM : 0;
    known |= has(L, 4, "dead") ? DIRECTORY_DEAD : 0;
    known |= has(L, 4, "gone") ? DIRECTORY_GONE : 0;
    known |= has(L, 4, "new") ? DIRECTORY_NEW : 0;
    directory_note(u->d, &e, known);
    return 0;
}

/* d:notes(class, count): that many new ones, named by their number */
static int notes(lua_State *L)
{
    struct ldirectory *u = check(L);
    const char *class_name = luaL_checkstring(L, 2);
    lua_Integer count = luaL_checkinteger(L, 3);
    char name[32];

    for (lua_Integer i = 1; i <= count; i++) {
        lua_pushinteger(L, (lua_Integer)((uint64_t)i * 0x9e3779b97f4a7c15u));
        snprintf(name, sizeof(name), "%08lld", (long long)i);
        struct directory_entry e = {.class_name = slice_of(class_name),
                                    .id = directory_id(L, -1),
                                    .name = slice_of(name),
                                    .created = i,
                                    .next_alarm = i};
        directory_note(u->d, &e, DIRECTORY_NEW);
        lua_pop(L, 1);
    }
    return 0;
}

static int result(lua_State *L, int rc, const struct error *err)
{
    if (rc < 0)
        return fail(L, rc, err->text);
    lua_pushboolean(L, 1);
    return 1;
}

static int flush(lua_State *L)
{
    struct error err = {0};

    return result(L, directory_flush(check(L)->d, &err), &err);
}

static int complete(lua_State *L)
{
    struct error err = {0};

    return result(L, directory_complete(check(L)->d, &err), &err);
}

static int is_new(lua_State *L)
{
    lua_pushboolean(L, directory_is_new(check(L)->d));
    return 1;
}

/* d:move(from, to or nil) */
static int move(lua_State *L)
{
    struct error err = {0};
    struct ldirectory *u = check(L);

    directory_reader_close(u->r);
    u->r = NULL;
    int rc = directory_move_class(u->d, luaL_checkstring(L, 2),
                                  luaL_optstring(L, 3, NULL), &err);
    return result(L, rc, &err);
}

static int list(lua_State *L)
{
    return directory_push_list(L, 2, reader(L));
}

static int due(lua_State *L)
{
    return directory_push_due(L, 2, reader(L));
}

/* d:get(class, id) -> entry or nil */
static int get(lua_State *L)
{
    struct error err = {0};
    struct directory_reader *r = reader(L);
    struct oid id = directory_id(L, 3);
    struct directory_rows rows = {.L = L};

    lua_newtable(L);
    rows.table = lua_gettop(L);
    int rc = directory_get(r, slice_of(luaL_checkstring(L, 2)), &id,
                           directory_add_row, &rows, &err);
    if (rc < 0)
        return fail(L, rc, err.text);
    lua_rawgeti(L, rows.table, 1);
    return 1;
}

/* d:count(class or nil) */
static int count(lua_State *L)
{
    struct directory_reader *r = reader(L);

    return done(L, directory_count(r, slice_of(luaL_optstring(L, 2, NULL))));
}

static int unnamed(lua_State *L)
{
    struct error err = {0};
    struct directory_reader *r = reader(L);
    struct directory_rows rows = {.L = L};

    lua_newtable(L);
    rows.table = lua_gettop(L);
    int rc = directory_unnamed(r, directory_add_row, &rows, &err);
    return rc < 0 ? fail(L, rc, err.text) : 1;
}

static const luaL_Reg methods[] = {
    {"close", close_directory},
    {"drop", drop},
    {"note", note},
    {"notes", notes},
    {"flush", flush},
    {"complete", complete},
    {"is_new", is_new},
    {"move", move},
    {"list", list},
    {"due", due},
    {"get", get},
    {"count", count},
    {"unnamed", unnamed},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"open", open_directory},
    {NULL, NULL},
};

int luaopen_hosttest_directory(lua_State *L)
{
    add_type(L, DIRECTORY_MT, methods);
    luaL_newlib(L, functions);
    return 1;
}
