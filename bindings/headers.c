#include "bindings/headers.h"

#include "bindings/bind.h"
#include "bindings/header_text.h"
#include "bindings/modules.h"

/* User value 1: the owner of `fields`, or, once it is a copy (`fields` NULL),
 * the table { name, value, name, value, ... }. */
struct headers {
    const struct field *fields;
    uint32_t count;
    bool is_frozen;
    bool is_copy;
    bool is_changed;
};

static const struct bind_class headers_class;

static struct headers *check(lua_State *L)
{
    struct headers *h = bind_check(L, 1, &headers_class);

    lua_settop(L, 3);
    lua_getiuservalue(L, 1, 1);
    return h;
}

/* Entry `i` of `h`, whose user value is at `values`; strings of the table are
 * borrowed from it. */
static struct field entry(lua_State *L, const struct headers *h, int values,
                          uint32_t i)
{
    struct field f;

    if (!h->is_copy)
        return h->fields[i];
    lua_rawgeti(L, values, 2 * (lua_Integer)i + 1);
    lua_rawgeti(L, values, 2 * (lua_Integer)i + 2);
    f.name = bind_to_slice(L, -2);
    f.value = bind_to_slice(L, -1);
    lua_pop(L, 2);
    return f;
}

/* Add to the table at `values`. */
static void add(lua_State *L, struct headers *h, int values, struct slice name,
                struct slice value)
{
    if (h->count >= HEADERS_MAX)
        bind_raise(L, "too_large", "more than %d header fields", HEADERS_MAX);
    bind_push_slice(L, name);
    lua_rawseti(L, values, 2 * (lua_Integer)h->count + 1);
    bind_push_slice(L, value);
    lua_rawseti(L, values, 2 * (lua_Integer)h->count + 2);
    h->count++;
}

/* Push a table with what `h` holds now (user value at `values`). */
static uint32_t push_copy(lua_State *L, const struct headers *h, int values)
{
    struct headers copy = {.is_copy = true};

    lua_createtable(L, 2 * (int)h->count, 0);
    int table = lua_gettop(L);
    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = entry(L, h, values, i);
        add(L, &copy, table, f.name, f.value);
    }
    return copy.count;
}

/* `h` is at 1 and its user value at 4: ready to be written to. */
static void own(lua_State *L, struct headers *h)
{
    if (h->is_frozen)
        bind_raise(L, NULL,
                   "the headers of an incoming request cannot be "
                   "changed: make a new one with mk.Request(request, "
                   "{ headers = ... })");
    h->is_changed = true;
    if (h->is_copy)
        return;
    push_copy(L, h, 4);
    lua_copy(L, -1, 4);
    lua_setiuservalue(L, 1, 1);
    h->is_copy = true;
    h->fields = NULL;
}

/* The first entry of that name before `end`, or `end`. */
static uint32_t find(lua_State *L, const struct headers *h, int values,
                     struct slice name, uint32_t end)
{
    uint32_t i = 0;

    while (i < end && !slice_eq_nocase(entry(L, h, values, i).name, name))
        i++;
    return i;
}

/* Push the values of `name`: their number. */
static int push_values(lua_State *L, const struct headers *h, int values,
                       struct slice name)
{
    int n = 0;

    for (uint32_t i = 0; i < h->count; i++) {
        struct field f = entry(L, h, values, i);

        if (!slice_eq_nocase(f.name, name))
            continue;
        luaL_checkstack(L, 4, NULL);
        bind_push_slice(L, f.value);
        n++;
    }
    return n;
}

/* Join the `n` values on top of the stack by ", ". */
static void join(lua_State *L, int n)
{
    luaL_Buffer b;
    int first = lua_gettop(L) - n + 1;

    if (n == 1)
        return;
    luaL_buffinit(L, &b);
    for (int i = 0; i < n; i++) {
        size_t size = 0;
        const char *value = lua_tolstring(L, first + i, &size);

        if (i > 0)
            luaL_addstring(&b, ", ");
        luaL_addlstring(&b, value, size);
    }
    luaL_pushresult(&b);
    lua_replace(L, first);
    lua_settop(L, first);
}

/* headers:get(name) -> value, several joined by ", ", or nil. */
static int get(lua_State *L)
{
    const struct headers *h = check(L);
    int n = push_values(L, h, 4, header_check_name(L, 2));

    if (n == 0)
        lua_pushnil(L);
    else
        join(L, n);
    return 1;
}

/* headers:getAll(name) -> array of values. */
static int get_all(lua_State *L)
{
    const struct headers *h = check(L);
    int n = push_values(L, h, 4, header_check_name(L, 2));

    lua_createtable(L, n, 0);
    lua_insert(L, 5);
    for (int i = n; i > 0; i--)
        lua_rawseti(L, 5, i);
    return 1;
}

/* headers:has(name) -> boolean. */
static int has(lua_State *L)
{
    const struct headers *h = check(L);
    struct slice name = header_check_name(L, 2);

    lua_pushboolean(L, find(L, h, 4, name, h->count) != h->count);
    return 1;
}

/* Remove the fields of that name, from entry `from` on, from the table at 4:
 * their number. */
static uint32_t remove_name(lua_State *L, struct headers *h, struct slice name,
                            uint32_t from)
{
    uint32_t kept = from;
    uint32_t before = h->count;

    for (uint32_t i = from; i < before; i++) {
        if (slice_eq_nocase(entry(L, h, 4, i).name, name))
            continue;
        for (lua_Integer part = 1; part <= 2 && kept != i; part++) {
            lua_rawgeti(L, 4, 2 * (lua_Integer)i + part);
            lua_rawseti(L, 4, 2 * (lua_Integer)kept + part);
        }
        kept++;
    }
    for (lua_Integer i = 2 * (lua_Integer)before; i > 2 * (lua_Integer)kept;
         i--) {
        lua_pushnil(L);
        lua_rawseti(L, 4, i);
    }
    h->count = kept;
    return before - kept;
}

/* headers:set(name, value): instead of all of that name; the first keeps its
 * place. */
static int set(lua_State *L)
{
    struct headers *h = check(L);
    struct slice name = header_check_name(L, 2);
    struct slice value = header_check_value(L, name, 3);

    own(L, h);
    uint32_t i = find(L, h, 4, name, h->count);
    if (i == h->count) {
        add(L, h, 4, name, value);
        return 0;
    }
    bind_push_slice(L, value);
    lua_rawseti(L, 4, 2 * (lua_Integer)i + 2);
    remove_name(L, h, name, i + 1);
    return 0;
}

/* headers:append(name, value): beside those of that name. */
static int append(lua_State *L)
{
    struct headers *h = check(L);
    struct slice name = header_check_name(L, 2);
    struct slice value = header_check_value(L, name, 3);

    own(L, h);
    add(L, h, 4, name, value);
    return 0;
}

/* headers:delete(name) -> whether there was one. */
static int delete (lua_State *L)
{
    struct headers *h = check(L);
    struct slice name = header_check_name(L, 2);

    own(L, h);
    lua_pushboolean(L, remove_name(L, h, name, 0) != 0);
    return 1;
}

/* iterator() -> name in lower case, value.  Upvalues: Headers, how far. */
static int next(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    struct headers *h = check(L);
    uint32_t at = (uint32_t)lua_tointeger(L, lua_upvalueindex(2));

    for (; at < h->count; at++) {
        struct field f = entry(L, h, 4, at);
        bool is_cookie = slice_eq_nocase(f.name, SLICE("set-cookie"));

        if (!is_cookie && find(L, h, 4, f.name, at) != at)
            continue;
        lua_pushinteger(L, at + 1);
        lua_replace(L, lua_upvalueindex(2));
        header_push_lower(L, f.name);
        if (is_cookie)
            bind_push_slice(L, f.value);
        else
            join(L, push_values(L, h, 4, f.name));
        return 2;
    }
    return 0;
}

/* pairs(headers): each name once, in lower case, in the order of the first of
 * each, values joined by ", "; each set-cookie by itself. */
static int pairs(lua_State *L)
{
    const struct headers *h = bind_check(L, 1, &headers_class);
    lua_settop(L, 1);
    if (!h->is_frozen)
        headers_push_new(L, 1); /* the loop may change the others */
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next, 2);
    return 1;
}

static const luaL_Reg headers_methods[] = {
    {"get", get},       {"getAll", get_all}, {"has", has},       {"set", set},
    {"append", append}, {"delete", delete},  {"__pairs", pairs}, {NULL, NULL},
};

static const struct bind_class headers_class = {.name = "Headers",
                                                .methods = headers_methods};

void headers_push_view(lua_State *L, int owner, const struct field *fields,
                       uint32_t count, enum headers_mode mode)
{
    owner = lua_absindex(L, owner);
    struct headers *h = bind_new(L, &headers_class, sizeof(*h), 1);

    h->fields = fields;
    h->count = count;
    h->is_frozen = mode == HEADERS_FROZEN;
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, 1);
}

/* The name is on top of the table at `idx`'s iteration, below its value. */
static void add_member(lua_State *L, struct headers *h, int values)
{
    int value = lua_gettop(L);
    struct slice name = header_check_name(L, value - 1);

    if (lua_type(L, value) != LUA_TTABLE) {
        add(L, h, values, name, header_check_value(L, name, value));
        return;
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, value);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, value, i);
        add(L, h, values, name, header_check_value(L, name, -1));
        lua_pop(L, 1);
    }
}

void headers_push_new(lua_State *L, int idx)
{
    luaL_checkstack(L, 12, NULL);
    idx = lua_absindex(L, idx);
    const struct headers *from = bind_test(L, idx, &headers_class);
    struct headers *h = bind_new(L, &headers_class, sizeof(*h), 1);
    int self = lua_gettop(L);

    h->is_copy = true;
    if (from != NULL) {
        lua_getiuservalue(L, idx, 1);
        h->count = push_copy(L, from, self + 1);
    } else {
        lua_newtable(L);
        if (!lua_isnoneornil(L, idx) && lua_type(L, idx) != LUA_TTABLE)
            bind_raise(L, NULL, "headers must be a table or Headers, got %s",
                       bind_what(L, idx));
        lua_pushnil(L);
        while (lua_istable(L, idx) && lua_next(L, idx) != 0) {
            add_member(L, h, self + 1);
            lua_pop(L, 1);
        }
        lua_settop(L, self + 1);
    }
    lua_setiuservalue(L, self, 1);
    lua_settop(L, self);
}

bool headers_changed(lua_State *L, int idx)
{
    const struct headers *h = bind_test(L, idx, &headers_class);

    return h != NULL && h->is_changed;
}

struct field *headers_fields(lua_State *L, int idx, uint32_t *count)
{
    luaL_checkstack(L, 8, NULL);
    const struct headers *h = lua_touserdata(L, idx);
    lua_getiuservalue(L, idx, 1);
    int values = lua_gettop(L);
    struct field *fields =
        lua_newuserdatauv(L, (h->count + 1) * sizeof(*fields), 0);

    for (uint32_t i = 0; i < h->count; i++)
        fields[i] = entry(L, h, values, i);
    *count = h->count;
    lua_remove(L, values);
    return fields;
}

void headers_default(lua_State *L, int idx, const char *name,
                     struct slice value)
{
    luaL_checkstack(L, 8, NULL);
    struct headers *h = lua_touserdata(L, idx);
    lua_getiuservalue(L, idx, 1);
    int values = lua_gettop(L);

    if (find(L, h, values, slice_of(name), h->count) == h->count)
        add(L, h, values, slice_of(name), value);
    lua_pop(L, 1);
}

/* mk.Headers([table | headers]) -> Headers. */
static int new (lua_State *L)
{
    lua_settop(L, 1);
    headers_push_new(L, 1);
    return 1;
}

int bind_open_headers(lua_State *L)
{
    lua_pushcfunction(L, new);
    return 1;
}
