#include "vm/datatable.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vm/value.h"

struct datatable {
    lua_State *L;
    const char *path;  /* borrowed while it is opened; NULL: no file */
    struct slice over; /* the same; empty: none */
    size_t memory;     /* bytes that L has allocated */
    size_t members;    /* read so far */
    int load_status;   /* of luaL_loadfilex */
    struct datavalue top;
};

static const char *name_of(const struct datatable *d)
{
    return d->path == NULL ? "the settings" : d->path;
}

static const char top_key = 0; /* its address: the table in the registry */

/* lua_Alloc with a cap. */
static void *allocate(void *arg, void *p, size_t old, size_t size)
{
    struct datatable *d = arg;
    size_t before = p == NULL ? 0 : old;

    if (size == 0) {
        free(p);
        d->memory -= before;
        return NULL;
    }
    if (size > before && d->memory + (size - before) > DATATABLE_MEMORY_MAX)
        return NULL;
    void *moved = realloc(p, size);
    if (moved != NULL)
        d->memory += size - before;
    return moved;
}

/* os.getenv(name) -> value or nil.  Raises when `name` is not a string. */
static int os_getenv(lua_State *L)
{
    lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
    return 1;
}

static void on_steps(lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "Sl", ar);
    luaL_error(L, "%s:%d: runs for too long", ar->short_src, ar->currentline);
}

static void read_value(struct datatable *d, int idx, int depth,
                       struct datavalue *out);

static int rank(const struct datavalue *v)
{
    return v->type == DATA_INTEGER ? 0 : v->type == DATA_STRING ? 1 : 2;
}

static int by_key(const void *a, const void *b)
{
    const struct datavalue *x = &((const struct datamember *)a)->key;
    const struct datavalue *y = &((const struct datamember *)b)->key;

    if (rank(x) != rank(y))
        return rank(x) - rank(y);
    if (x->type == DATA_INTEGER)
        return x->integer < y->integer ? -1 : x->integer > y->integer;
    return x->type == DATA_STRING ? strcmp(x->string, y->string) : 0;
}

static size_t count_members(lua_State *L, int idx)
{
    size_t n = 0;

    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1))
        n++;
    return n;
}

/* What is read so far hangs off d->top, so a raise loses nothing. */
static void read_table(struct datatable *d, int idx, int depth,
                       struct datavalue *out)
{
    lua_State *L = d->L;
    size_t n = count_members(L, idx);

    d->members += n;
    if (d->members > DATATABLE_MEMBERS_MAX)
        luaL_error(L, "%s: more than %d values", name_of(d),
                   (int)DATATABLE_MEMBERS_MAX);
    out->members = mem_zalloc((n + 1) * sizeof(*out->members));
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        struct datamember *m = &out->members[out->count++];

        read_value(d, lua_gettop(L) - 1, DATATABLE_DEPTH_MAX, &m->key);
        read_value(d, lua_gettop(L), depth + 1, &m->value);
    }
    qsort(out->members, out->count, sizeof(*out->members), by_key);
}

static void read_number(lua_State *L, int idx, struct datavalue *out)
{
    if (lua_isinteger(L, idx)) {
        out->type = DATA_INTEGER;
        out->integer = lua_tointeger(L, idx);
    } else {
        out->type = DATA_FLOAT;
        out->number = lua_tonumber(L, idx);
    }
}

/* Fill `*out`, which is zeroed, from the value at `idx` (absolute). */
static void read_value(struct datatable *d, int idx, int depth,
                       struct datavalue *out)
{
    lua_State *L = d->L;

    switch (lua_type(L, idx)) {
    case LUA_TBOOLEAN:
        out->type = DATA_BOOLEAN;
        out->boolean = lua_toboolean(L, idx);
        return;
    case LUA_TNUMBER:
        read_number(L, idx, out);
        return;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, idx, &out->length);

        out->type = DATA_STRING;
        out->string = mem_dup(text, out->length);
        return;
    }
    case LUA_TTABLE:
        out->type = DATA_TABLE;
        out->is_cut = depth >= DATATABLE_DEPTH_MAX;
        if (!out->is_cut)
            read_table(d, idx, depth, out);
        return;
    default:
        out->type = DATA_OTHER;
    }
}

static void open_environment(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, os_getenv);
    lua_setfield(L, -2, "getenv");
    lua_setglobal(L, "os");
}

/* Set t[k] = v for all of the table on top, which is popped; `t` is below it.
 */
static void set_all(lua_State *L)
{
    for (lua_pushnil(L); lua_next(L, -2) != 0;) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
}

/* Merge the table on top into the one below it. */
static void merge(lua_State *L)
{
    for (lua_pushnil(L); lua_next(L, -2) != 0;) {
        lua_pushvalue(L, -2);
        if (lua_istable(L, -2) && lua_rawget(L, -5) == LUA_TTABLE) {
            lua_insert(L, -2);
            set_all(L);
            lua_pop(L, 1);
            continue;
        }
        lua_settop(L, -2);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
}

static void push_over(struct datatable *d)
{
    struct error err;
    size_t used;

    if (value_decode(d->L, d->over, NULL, &used, &err) != 0)
        luaL_error(d->L, "%s", err.text);
    luaL_checktype(d->L, -1, LUA_TTABLE);
}

/* Push the table that the file returns. */
static void run_file(lua_State *L, struct datatable *d)
{
    d->load_status = luaL_loadfilex(L, d->path, "t");
    if (d->load_status != LUA_OK)
        lua_error(L);
    lua_sethook(L, on_steps, LUA_MASKCOUNT, DATATABLE_STEPS_MAX);
    lua_call(L, 0, 1);
    lua_sethook(L, NULL, 0, 0);
    if (!lua_istable(L, -1))
        luaL_error(L, "%s: a table expected, the file returns %s", d->path,
                   lua_isnil(L, -1) ? "nothing" : luaL_typename(L, -1));
}

/* Protected: everything that may raise. */
static int run(lua_State *L)
{
    struct datatable *d = lua_touserdata(L, 1);

    open_environment(L);
    if (d->path != NULL)
        run_file(L, d);
    else
        lua_newtable(L);
    if (d->over.n != 0) {
        push_over(d);
        merge(L);
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &top_key);
    read_value(d, lua_gettop(L), 0, &d->top);
    return 0;
}

static int open_failed(struct datatable *d, int status, struct error *err)
{
    const char *text = lua_tostring(d->L, -1);

    if (status == LUA_ERRMEM)
        return error_set(err, ERR_LUA, "%s: needs more than %d MiB of memory",
                         name_of(d), DATATABLE_MEMORY_MAX / 1024 / 1024);
    if (d->load_status == LUA_ERRFILE)
        return error_set(err, ERR_NOT_FOUND, "%s", text);
    if (strstr(text, "attempt to load") == text) /* a binary chunk */
        return error_set(err, ERR_LUA, "%s: %s", d->path, text);
    if (strstr(text, "attempt to call") != NULL)
        return error_set(err, ERR_LUA, "%s; os.getenv is the one function here",
                         text);
    return error_set(err, ERR_LUA, "%s", text);
}

int datatable_open(const char *path, struct slice over, struct datatable **out,
                   struct error *err)
{
    struct datatable *d = mem_zalloc(sizeof(*d));

    *out = NULL;
    d->path = path;
    d->over = over;
    d->L = lua_newstate(allocate, d);
    if (d->L == NULL) {
        free(d);
        return error_set(err, ERR_NOMEM, "out of memory");
    }
    lua_pushcfunction(d->L, run);
    lua_pushlightuserdata(d->L, d);
    int status = lua_pcall(d->L, 1, 0, 0);
    if (status != LUA_OK) {
        int rc = open_failed(d, status, err);

        datatable_close(d);
        return rc;
    }
    *out = d;
    return 0;
}

static void value_fini(struct datavalue *v)
{
    for (size_t i = 0; i < v->count; i++) {
        value_fini(&v->members[i].key);
        value_fini(&v->members[i].value);
    }
    free(v->members);
    free(v->string);
}

void datatable_close(struct datatable *d)
{
    if (d == NULL)
        return;
    value_fini(&d->top);
    lua_close(d->L);
    free(d);
}

const struct datavalue *datatable_top(const struct datatable *d)
{
    return &d->top;
}

const struct datavalue *datavalue_get(const struct datavalue *t,
                                      const char *key)
{
    size_t n = strlen(key);

    for (size_t i = 0; i < t->count; i++) {
        const struct datamember *m = &t->members[i];

        if (m->key.type == DATA_STRING && m->key.length == n &&
            memcmp(m->key.string, key, n) == 0)
            return &m->value;
    }
    return NULL;
}

const char *datavalue_describe(const struct datavalue *v)
{
    static const char *const names[] = {
        [DATA_NIL] = "nil",
        [DATA_BOOLEAN] = "a boolean",
        [DATA_INTEGER] = "an integer",
        [DATA_FLOAT] = "a float",
        [DATA_STRING] = "a string",
        [DATA_TABLE] = "a table",
        [DATA_OTHER] = "a function",
    };

    return names[v->type];
}

/* Arguments and result of encode_member. */
struct encode_call {
    const char *key;
    size_t max;
    struct buf *out;
    struct error *err;
    int rc;
};

static int pack_nothing(lua_State *L, int idx, struct buf *out, void *arg)
{
    (void)L;
    (void)idx;
    (void)out;
    (void)arg;
    return 0;
}

static int encode_member(lua_State *L)
{
    struct encode_call *call = lua_touserdata(L, 1);
    const struct value_hooks hooks = {
        .pack = pack_nothing, .verb = "used here", .root = call->key};

    lua_rawgetp(L, LUA_REGISTRYINDEX, &top_key);
    lua_getfield(L, -1, call->key);
    call->rc =
        value_encode(L, lua_gettop(L), &hooks, call->max, call->out, call->err);
    return 0;
}

int datatable_encode(struct datatable *d, const char *key, size_t max,
                     struct buf *out, struct error *err)
{
    struct encode_call call = {.key = key, .max = max, .out = out, .err = err};

    lua_pushcfunction(d->L, encode_member);
    lua_pushlightuserdata(d->L, &call);
    if (lua_pcall(d->L, 1, 0, 0) != LUA_OK) {
        lua_pop(d->L, 1);
        return error_set(err, ERR_NOMEM, "%s: out of memory", key);
    }
    return call.rc;
}
