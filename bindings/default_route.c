#include "bindings/default_route.h"

#include <string.h>

#include "base/message.h"
#include "base/oid.h"
#include "base/text.h"
#include "bindings/bind.h"
#include "bindings/http.h"

/* The parts of "/<class>/<name><rest>"; rest keeps its '/' and the query. */
struct route {
    struct slice class_name, name, rest;
};

static struct slice cut(struct slice *s, const char *stops)
{
    struct slice head = {s->p, 0};

    while (head.n < s->n && strchr(stops, s->p[head.n]) == NULL)
        head.n++;
    s->p += head.n;
    s->n -= head.n;
    return head;
}

static bool parse(struct slice target, struct route *out)
{
    if (target.n == 0 || target.p[0] != '/')
        return false;
    target.p++;
    target.n--;
    out->class_name = cut(&target, "/?");
    if (target.n == 0 || target.p[0] != '/')
        return false;
    target.p++;
    target.n--;
    out->name = cut(&target, "/?");
    out->rest = target;
    return out->class_name.n != 0 && out->name.n != 0;
}

/* Push the percent-decoded name; false when it is no object's name. */
static bool push_name(lua_State *L, struct slice name)
{
    struct buf *b = bind_scratch(L);

    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] != '%') {
            buf_add_byte(b, name.p[i]);
            continue;
        }
        int high = i + 2 < name.n ? text_hex_digit(name.p[i + 1]) : -1;
        int low = i + 2 < name.n ? text_hex_digit(name.p[i + 2]) : -1;

        if (high < 0 || low < 0)
            return false;
        buf_add_byte(b, high << 4 | low);
        i += 2;
    }
    if (b->n > OBJECT_NAME_MAX)
        return false;
    bind_push_scratch(L, b);
    return true;
}

/* Let the Request at 1, whose url is at 3, be one for `rest`. */
static void rewrite(lua_State *L, struct slice rest, const char *path)
{
    struct slice url = bind_to_slice(L, 3);
    struct buf *b = bind_scratch(L);
    size_t origin = (size_t)(path - url.p);

    buf_add(b, url.p, origin);
    if (rest.n == 0 || rest.p[0] == '?')
        buf_add_byte(b, '/');
    buf_add_slice(b, rest);
    bind_rewrite_request(L, 1, buf_slice(b), origin);
}

static int pass_on(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 1;
}

/* Push env.<class>, or nil. */
static bool push_namespace(lua_State *L, struct slice class_name)
{
    bind_push_slice(L, class_name);
    return lua_gettable(L, 2) == LUA_TUSERDATA;
}

int bind_default_route(lua_State *L)
{
    struct route route;

    lua_settop(L, 2);
    if (lua_getfield(L, 1, "url") != LUA_TSTRING)
        return 0;
    struct slice url = bind_to_slice(L, 3);
    const char *path = memmem(url.p, url.n, "://", 3);

    path = path == NULL
               ? NULL
               : memchr(path + 3, '/', url.n - (size_t)(path + 3 - url.p));
    if (path == NULL ||
        !parse((struct slice){path, url.n - (size_t)(path - url.p)}, &route) ||
        !push_namespace(L, route.class_name))
        return 0;
    lua_getfield(L, 4, "getByName");
    lua_pushvalue(L, 4);
    if (!push_name(L, route.name))
        return 0;
    lua_call(L, 2, 1);
    lua_getfield(L, 5, "fetch");
    lua_pushvalue(L, 5);
    rewrite(L, route.rest, path);
    lua_pushvalue(L, 1);
    lua_callk(L, 2, 1, 0, pass_on);
    return 1;
}
