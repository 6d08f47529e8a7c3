#include "bindings/url.h"

#include "bindings/bind.h"
#include "bindings/modules.h"
#include "vm/vm.h"

static void push_decoded(lua_State *L, struct slice s)
{
    if (s.n == 0 ||
        (memchr(s.p, '%', s.n) == NULL && memchr(s.p, '+', s.n) == NULL)) {
        bind_push_slice(L, s);
        return;
    }
    struct buf *b = bind_scratch(L);
    url_decode(s, URL_PLUS_IS_SPACE, b);
    bind_push_scratch(L, b);
}

/* Stack: table, name.  Replaces the name by the array of its values. */
static void get_array(lua_State *L)
{
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TTABLE) {
        lua_remove(L, -2);
        return;
    }
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -5);
    lua_remove(L, -2);
}

void url_push_pairs(lua_State *L, struct slice query, enum url_values values)
{
    struct slice name = {0};
    struct slice value = {0};

    luaL_checkstack(L, 8, NULL);
    vm_charge(L, query.n / 4);
    lua_newtable(L);
    while (url_next_pair(&query, &name, &value)) {
        push_decoded(L, name);
        if (values == URL_ALL) {
            get_array(L);
            push_decoded(L, value);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
            lua_pop(L, 1);
            continue;
        }
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TNIL) {
            lua_pop(L, 1);
            push_decoded(L, value);
            lua_rawset(L, -3);
        } else {
            lua_pop(L, 2);
        }
    }
}

static void set_part(lua_State *L, const char *name, struct slice s)
{
    if (s.p == NULL)
        return;
    bind_push_slice(L, s);
    lua_setfield(L, -2, name);
}

/*
 * mk.url.parse(url) -> table with scheme, user, password, host (no port),
 * port (integer; the scheme's own when none is written), path ("/" when
 * empty), query (name -> first value), queryAll (name -> array), search (the
 * query as written, without '?'), fragment.  What is not there is nil.  Raises
 * what was expected, with the byte offset.
 */
static int parse(lua_State *L)
{
    struct slice text = bind_check_slice(L, 1);
    struct error err = {0};
    struct url u = {0};

    if (url_split(text, &u, &err) != 0)
        return bind_raise_error(L, NULL, &err);
    lua_createtable(L, 0, 8);
    set_part(L, "scheme", u.scheme);
    set_part(L, "user", u.user);
    set_part(L, "password", u.password);
    set_part(L, "host", u.host);
    set_part(L, "path", u.path.n != 0 ? u.path : SLICE("/"));
    set_part(L, "search", u.query);
    set_part(L, "fragment", u.fragment);
    if (u.port >= 0) {
        lua_pushinteger(L, u.port);
        lua_setfield(L, -2, "port");
    }
    url_push_pairs(L, u.query, URL_FIRST);
    lua_setfield(L, -2, "query");
    url_push_pairs(L, u.query, URL_ALL);
    lua_setfield(L, -2, "queryAll");
    return 1;
}

/* mk.url.encode(text) -> text in which all but letters, digits and -._~ is
 * percent-encoded. */
static int encode(lua_State *L)
{
    struct slice s = bind_check_slice(L, 1);

    vm_charge(L, s.n / 4);
    struct buf *b = bind_scratch(L);
    url_encode(s, b);
    bind_push_scratch(L, b);
    return 1;
}

/* mk.url.decode(text) -> text with %XX decoded ('+' stays).  Raises the byte
 * offset of a '%' without two hex digits. */
static int decode(lua_State *L)
{
    struct slice s = bind_check_slice(L, 1);

    vm_charge(L, s.n / 4);
    struct buf *b = bind_scratch(L);
    size_t bad = url_decode(s, URL_PLUS_IS_PLUS, b);
    if (bad != s.n)
        return bind_raise(L, NULL,
                          "invalid percent-encoding: expected two hex digits "
                          "after '%%' at byte offset %zu",
                          bad);
    bind_push_scratch(L, b);
    return 1;
}

static const luaL_Reg functions[] = {
    {"parse", parse},
    {"encode", encode},
    {"decode", decode},
    {NULL, NULL},
};

int bind_open_url(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
