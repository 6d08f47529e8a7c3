/* env.C:list: the objects of a class that have storage. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bindings/bind.h"
#include "bindings/names.h"
#include "object/object.h"
#include "store/directory.h"
#include "vm/vm.h"

enum {
    LIMIT_MAX = 1000,
    PAGE_FIRST = 50, /* objects read at once: many loops end early */
    PAGE_MOST = 1000,
    ENTRY_STEPS = 16, /* of work, for each */
};

struct named {
    struct oid id;
    size_t at, n; /* of its name, in `names` */
};

/* One page of the directory and where the next one begins.  All in it is
 * allocated with malloc and freed by __gc or __close. */
struct listing {
    const struct object_class *cls; /* NULL: it has ended */
    struct named *page;
    size_t count, next;
    struct buf names;
    struct buf prefix, after;
    struct oid after_id;
    bool has_after, is_whole; /* no page follows this one */
    int64_t left, page_size;  /* left -1: no limit */
};

static int listing_close(lua_State *L)
{
    struct listing *u = lua_touserdata(L, 1);

    free(u->page);
    buf_fini(&u->names);
    buf_fini(&u->prefix);
    buf_fini(&u->after);
    *u = (struct listing){0};
    return 0;
}

static const luaL_Reg listing_methods[] = {
    {"__gc", listing_close},
    {"__close", listing_close},
    {NULL, NULL},
};

static const struct bind_class listing_class = {.name = "list",
                                                .methods = listing_methods};

/* ---- pages ---- */

static int add_entry(void *arg, const struct directory_entry *e)
{
    struct listing *u = arg;

    u->page[u->count++] =
        (struct named){.id = e->id, .at = u->names.n, .n = e->name.n};
    buf_add_slice(&u->names, e->name);
    return 0;
}

static struct slice name_of(const struct listing *u, const struct named *e)
{
    return (struct slice){e->n == 0 ? NULL : u->names.p + e->at, e->n};
}

/* The next page begins behind the last object of this one. */
static void set_after(struct listing *u)
{
    const struct named *last = &u->page[u->count - 1];

    u->has_after = true;
    u->after.n = 0;
    buf_add_slice(&u->after, name_of(u, last));
    u->after_id = last->id;
}

static int read_page(struct listing *u, struct directory_reader *r,
                     struct error *err)
{
    int64_t want =
        u->left >= 0 && u->left < u->page_size ? u->left : u->page_size;
    struct directory_query q = {.class_name = slice_of(u->cls->name),
                                .prefix = buf_slice(&u->prefix),
                                .has_after = u->has_after,
                                .after_name = buf_slice(&u->after),
                                .after_id = u->after_id,
                                .limit = want};

    u->count = u->next = u->names.n = 0;
    u->page = mem_realloc(u->page, ((size_t)want + 1) * sizeof(struct named));
    int rc = directory_list(r, &q, add_entry, u, err);
    if (rc != 0)
        return rc;
    if (u->left > 0)
        u->left -= (int64_t)u->count;
    u->is_whole = (int64_t)u->count < want || u->left == 0;
    u->page_size = PAGE_MOST;
    if (u->count != 0)
        set_after(u);
    return 0;
}

/* The worker's way into the directory. [raises] */
static struct directory_reader *check_reader(lua_State *L)
{
    struct error err = {0};
    struct directory_reader *r =
        store_client_reader(bind_object(L)->realm->config.store, &err);

    if (r == NULL)
        bind_raise_error(L, NULL, &err);
    return r;
}

/* iterator() -> id; nothing at the end. */
static int next(lua_State *L)
{
    struct listing *u = lua_touserdata(L, lua_upvalueindex(1));
    struct error err = {0};

    if (u->cls == NULL)
        return 0;
    if (u->next == u->count && !u->is_whole) {
        if (read_page(u, check_reader(L), &err) != 0)
            return bind_raise_error(L, NULL, &err);
        vm_charge(L, u->count * ENTRY_STEPS);
    }
    if (u->next == u->count)
        return 0;
    const struct named *e = &u->page[u->next++];
    bind_push_id(L, u->cls, &e->id, name_of(u, e));
    return 1;
}

/* ---- options ---- */

/* The string or id `after` at the top of the stack; the name of an id that
 * does not know it is looked up. */
static int add_after(void *arg, const struct directory_entry *e)
{
    buf_add_slice(&((struct listing *)arg)->after, e->name);
    return 0;
}

static void check_after_id(lua_State *L, struct listing *u,
                           const struct address *a)
{
    struct error err = {0};

    if (a->cls != u->cls)
        bind_raise(L, NULL,
                   "Durable Object ID is not valid for this namespace.");
    struct directory_reader *r = check_reader(L);
    u->after_id = a->oid;
    buf_add(&u->after, a->name, a->name_n);
    if (a->name_n == 0 && directory_get(r, slice_of(u->cls->name), &a->oid,
                                        add_after, u, &err) < 0)
        bind_raise_error(L, NULL, &err);
}

static void check_after(lua_State *L, struct listing *u)
{
    const struct address *a = bind_to_id(L, -1);
    struct slice name = bind_to_slice(L, -1);

    u->has_after = true;
    if (a != NULL)
        check_after_id(L, u, a);
    else if (name.p == NULL)
        bind_raise(L, NULL,
                   "list() option after must be a name (a string) or an id, "
                   "got %s",
                   bind_what(L, -1));
    else if (name.n < 1 || name.n > OBJECT_NAME_MAX)
        bind_raise(L, NULL,
                   "list() option after must be a name of 1 to 1024 bytes, got "
                   "%d",
                   (int)name.n);
    else
        buf_add_slice(&u->after, name);
}

static void check_prefix(lua_State *L, struct listing *u)
{
    struct slice prefix = bind_to_slice(L, -1);

    if (prefix.p == NULL)
        bind_raise(L, NULL, "list() option prefix must be a string, got %s",
                   bind_what(L, -1));
    if (prefix.n > OBJECT_NAME_MAX)
        bind_raise(L, NULL,
                   "list() option prefix must be at most 1024 bytes, got %d",
                   (int)prefix.n);
    buf_add_slice(&u->prefix, prefix);
}

static void check_limit(lua_State *L, struct listing *u)
{
    int is_integer = 0;
    lua_Integer limit = lua_tointegerx(L, -1, &is_integer);

    if (lua_type(L, -1) != LUA_TNUMBER || !is_integer)
        bind_raise(L, NULL,
                   "list() option limit must be an integer from 1 to %d, got "
                   "%s",
                   LIMIT_MAX, bind_what(L, -1));
    if (limit < 1 || limit > LIMIT_MAX)
        bind_raise(L, NULL,
                   "list() option limit must be from 1 to %d, got %lld",
                   LIMIT_MAX, (long long)limit);
    u->left = limit;
}

static const struct {
    const char *name;
    void (*check)(lua_State *L, struct listing *u);
} options[] = {
    {"prefix", check_prefix}, {"after", check_after}, {"limit", check_limit}};

/* With key and value at the top of the stack. */
static void check_option(lua_State *L, struct listing *u)
{
    struct slice key = bind_to_slice(L, -2);

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (key.p != NULL && slice_eq(key, slice_of(options[i].name))) {
            options[i].check(L, u);
            return;
        }
    }
    if (key.p == NULL)
        bind_raise(L, NULL,
                   "list() options: prefix, after or limit expected, got %s",
                   bind_what(L, -2));
    bind_raise(L, NULL,
               "list() options: prefix, after or limit expected, got '%s'",
               key.p);
}

static void check_options(lua_State *L, struct listing *u)
{
    if (lua_type(L, 2) != LUA_TTABLE)
        bind_raise(L, NULL, "list() options must be a table, got %s",
                   bind_what(L, 2));
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        int top = lua_gettop(L);

        check_option(L, u);
        lua_settop(L, top - 1);
    }
}

/*
 * env.C:list([{ prefix=, after=, limit= }]) -> iterator over id (and, for
 * `for`, what closes it)
 *
 * Every object of the class that has storage: the named by name, then, without
 * a prefix, the nameless by id; at most `limit` (1 to 1,000; else all).  What
 * comes and goes meanwhile may be in it or not.  Usable across waits.
 */
int bind_names_list(lua_State *L)
{
    struct object_class *cls = bind_check_namespace(L);

    lua_settop(L, 2);
    struct listing *u = bind_new(L, &listing_class, sizeof(*u), 0);
    int at = lua_gettop(L);
    u->cls = cls;
    u->left = -1;
    u->page_size = PAGE_FIRST;
    if (!lua_isnil(L, 2))
        check_options(L, u);
    lua_pushvalue(L, at);
    lua_pushcclosure(L, next, 1);
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, at);
    return 4;
}
