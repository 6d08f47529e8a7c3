/* request:form(): urlencoded and multipart. */
#include "bindings/bind.h"
#include "bindings/content.h"
#include "bindings/multipart.h"
#include "bindings/url.h"
#include "vm/vm.h"

/* The byte that the three bytes at `p` escape: %22, %0D or %0A; 0: none. */
static int escaped(const char *p)
{
    static const struct {
        struct slice text;
        int byte;
    } escapes[] = {{{"%22", 3}, '"'}, {{"%0D", 3}, '\r'}, {{"%0A", 3}, '\n'}};

    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (slice_eq_nocase((struct slice){p, 3}, escapes[i].text))
            return escapes[i].byte;
    }
    return 0;
}

/* A name as browsers send it. */
static void push_name(lua_State *L, struct slice s)
{
    struct buf *b = bind_scratch(L);

    for (size_t i = 0; i < s.n; i++) {
        int byte = s.p[i] == '%' && s.n - i > 2 ? escaped(s.p + i) : 0;

        buf_add_byte(b, byte != 0 ? byte : (unsigned char)s.p[i]);
        i += byte != 0 ? 2 : 0;
    }
    bind_push_scratch(L, b);
}

/* A field's text, or a table about a file. */
static void push_part(lua_State *L, const struct multipart_part *part)
{
    if (part->filename.p == NULL) {
        bind_push_slice(L, part->data);
        return;
    }
    lua_createtable(L, 0, 3);
    push_name(L, part->filename);
    lua_setfield(L, -2, "filename");
    if (part->type.p != NULL) {
        bind_push_slice(L, part->type);
        lua_setfield(L, -2, "type");
    }
    bind_push_slice(L, part->data);
    lua_setfield(L, -2, "data");
}

/* Stack: first, all, name, value.  Pops the last two into both tables. */
static void add(lua_State *L, int first)
{
    lua_pushvalue(L, -2);
    if (lua_rawget(L, first + 1) == LUA_TNIL) {
        lua_pushvalue(L, -3);
        lua_pushvalue(L, -3);
        lua_rawset(L, first);
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -3);
        lua_pushvalue(L, -2);
        lua_rawset(L, first + 1);
    }
    lua_insert(L, -2); /* name, values, value */
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 2);
}

static void push_multipart(lua_State *L, struct slice type, struct slice text)
{
    struct multipart m;
    struct multipart_part part;
    struct error err = {0};

    lua_newtable(L);
    lua_newtable(L);
    int first = lua_gettop(L) - 1;
    int rc = multipart_open(&m, type, text, &err);
    while (rc == 0 && (rc = multipart_next(&m, &part, &err)) > 0) {
        push_name(L, part.name);
        push_part(L, &part);
        add(L, first);
        vm_charge(L, 32);
        rc = 0;
    }
    if (rc < 0)
        bind_raise_error(L, NULL, &err);
}

static bool is_type(struct slice type, const char *name)
{
    size_t n = strlen(name);
    struct slice head = {type.p, n};

    return type.n >= n && slice_eq_nocase(head, slice_of(name));
}

void form_push(lua_State *L, struct slice type, struct slice text)
{
    luaL_checkstack(L, 12, NULL);
    vm_charge(L, text.n / 8);
    if (is_type(type, "multipart/form-data")) {
        push_multipart(L, type, text);
        return;
    }
    if (!is_type(type, "application/x-www-form-urlencoded"))
        bind_raise(L, NULL,
                   "form() needs the content type multipart/form-data or "
                   "application/x-www-form-urlencoded, got '%.*s'",
                   (int)(type.n < 100 ? type.n : 100), type.p);
    url_push_pairs(L, text, URL_FIRST);
    url_push_pairs(L, text, URL_ALL);
}
