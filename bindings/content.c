#include "bindings/content.h"

#include "bindings/bind.h"
#include "bindings/json.h"
#include "bindings/reader.h"
#include "bindings/unread.h"
#include "vm/task.h"
#include "vm/vm.h"

static void check_unused(lua_State *L, const struct content *c)
{
    if (c->is_used)
        bind_raise(L, NULL, "body already used");
}

bool content_is_used(const struct content *c)
{
    return c->is_used;
}

/* The body that is not a string, taken from `c`; NULL without one.  A function
 * becomes a stream when somebody wants it.  May leave a value on the stack. */
static struct body *take_body(lua_State *L, int idx, struct content *c)
{
    struct body *b = c->body;

    if (b == NULL && lua_getiuservalue(L, idx, 1) == LUA_TFUNCTION) {
        b = stream_start(L, -1);
        lua_pushnil(L);
        lua_setiuservalue(L, idx, 1);
    }
    c->body = NULL;
    return b;
}

enum content_want { WANT_TEXT, WANT_JSON, WANT_FORM };

/* Stack: message, content type, string or nil, reader. */
static int gathered(lua_State *L, int status, lua_KContext want)
{
    struct reader *r = lua_touserdata(L, 4);
    struct slice text = bind_to_slice(L, 3);

    (void)status;
    if (text.p == NULL)
        text = reader_text(L, r);
    if (want == WANT_JSON)
        json_push(L, text);
    else if (want == WANT_FORM)
        form_push(L, bind_to_slice(L, 2), text);
    else if (lua_type(L, 3) == LUA_TSTRING)
        lua_pushvalue(L, 3);
    else
        bind_push_slice(L, text);
    reader_clear(r);
    return want == WANT_FORM ? 2 : 1;
}

/* Wait for the whole body.  Stack: message, content type. */
static int gather(lua_State *L, struct content *c, enum content_want want)
{
    luaL_checkstack(L, 8, NULL);
    check_unused(L, c);
    struct task *t = task_check(L);
    lua_pushnil(L); /* the string */
    struct reader *r = reader_push(L);
    struct body *b = take_body(L, 1, c);
    reader_attach(r, b);
    lua_settop(L, 4);
    bool is_string = lua_getiuservalue(L, 1, 1) == LUA_TSTRING;
    lua_replace(L, 3);
    size_t limit = bind_memory_limit(L);
    /* Without a body it reads as an empty one, as often as asked for. */
    c->is_used = b != NULL || is_string;
    reader_gather(r, t, limit);
    return lua_yieldk(L, 0, want, gathered);
}

int content_text(lua_State *L, struct content *c)
{
    lua_settop(L, 1);
    lua_pushnil(L);
    return gather(L, c, WANT_TEXT);
}

int content_json(lua_State *L, struct content *c)
{
    lua_settop(L, 1);
    lua_pushnil(L);
    return gather(L, c, WANT_JSON);
}

int content_form(lua_State *L, struct content *c, struct slice type)
{
    lua_settop(L, 1);
    bind_push_slice(L, type);
    return gather(L, c, WANT_FORM);
}

int content_chunks(lua_State *L, struct content *c)
{
    lua_settop(L, 1);
    check_unused(L, c);
    struct reader *r = reader_push(L);
    reader_attach(r, content_take(L, 1, CONTENT_ONCE));
    return reader_push_chunks(L);
}

void content_clone(lua_State *L, int from, int to)
{
    struct content *c = lua_touserdata(L, from);
    struct content *copy = lua_touserdata(L, to);

    check_unused(L, c);
    int top = lua_gettop(L);

    c->body = take_body(L, from, c);
    lua_settop(L, top);
    lua_getiuservalue(L, from, 1);
    lua_setiuservalue(L, to, 1);
    copy->is_once = c->is_once;
    if (c->body == NULL)
        return;
    body_tee(c->body, &c->body, &copy->body);
    unread_count(L, c->body);
    unread_count(L, copy->body);
}

struct body *content_take(lua_State *L, int idx, enum content_use use)
{
    struct content *c = lua_touserdata(L, idx);

    int top = lua_gettop(L);

    check_unused(L, c);
    luaL_checkstack(L, 6, NULL);
    struct body *b = take_body(L, idx, c);
    bool is_string = lua_getiuservalue(L, idx, 1) == LUA_TSTRING;
    if (b == NULL && is_string) {
        struct slice s = bind_to_slice(L, -1);
        b = body_from(s.p, s.n);
    }
    lua_settop(L, top);
    c->is_used =
        b != NULL && !(is_string && !c->is_once && use == CONTENT_AGAIN);
    return b;
}

bool content_pass_on(struct content *c, const struct body *body)
{
    if (!c->is_plain || c->is_used || c->body != body)
        return false;
    body_drop(c->body);
    c->is_used = body != NULL;
    c->body = NULL;
    return true;
}

void content_fini(struct content *c)
{
    if (c->body != NULL)
        body_abandon(c->body);
    body_drop(c->body);
    c->body = NULL;
}
