#include "bindings/response.h"
#include "bindings/bind.h"
#include "bindings/content.h"
#include "bindings/headers.h"
#include "bindings/http.h"
#include "bindings/unread.h"
#include "object/event.h"

enum { TEXT_MAX = 1024 };

static const struct bind_class response_class;

static struct lresponse *check(lua_State *L)
{
    return bind_check(L, 1, &response_class);
}

static int status(lua_State *L)
{
    lua_pushinteger(L, check(L)->rs->status);
    return 1;
}

static int ok(lua_State *L)
{
    int code = check(L)->rs->status;

    lua_pushboolean(L, code >= 200 && code <= 299);
    return 1;
}

static int status_text(lua_State *L)
{
    const struct response *rs = check(L)->rs;

    bind_push_slice(L, rs->reason.n != 0 ? rs->reason
                                         : slice_of(status_reason(rs->status)));
    return 1;
}

/* Where it came from, after redirects; nil where that is not known. */
static int url(lua_State *L)
{
    const struct response *rs = check(L)->rs;

    if (rs->url.n == 0)
        return 0;
    bind_push_slice(L, rs->url);
    return 1;
}

static int headers(lua_State *L)
{
    struct lresponse *u = check(L);

    if (lua_getiuservalue(L, 1, VALUE_HEADERS) != LUA_TNIL)
        return 1;
    u->content.is_plain = false;
    headers_push_view(L, 1, u->rs->fields, u->rs->field_count, HEADERS_MUTABLE);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, VALUE_HEADERS);
    return 1;
}

/* The other end that came with a 101; it belongs to the script from then
 * on. */
static int web_socket(lua_State *L)
{
    struct lresponse *u = check(L);

    if (lua_getiuservalue(L, 1, VALUE_SOCKET) != LUA_TNIL ||
        u->rs->socket == NULL)
        return 1;
    u->content.is_plain = false;
    bind_push_socket(L, u->rs->socket);
    u->rs->socket = NULL;
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, VALUE_SOCKET);
    return 1;
}

static const luaL_Reg response_fields[] = {
    {"status", status},
    {"ok", ok},
    {"statusText", status_text},
    {"headers", headers},
    {"webSocket", web_socket},
    {"url", url},
    {NULL, NULL},
};

/* response:text() -> the body as a string.  Waits. */
static int text(lua_State *L)
{
    return content_text(L, &check(L)->content);
}

/* response:json() -> the body decoded.  Waits; raises the byte offset of what
 * is not JSON. */
static int json(lua_State *L)
{
    return content_json(L, &check(L)->content);
}

/* response:chunks() -> iterator over pieces of the body as they come; each
 * step waits. */
static int chunks(lua_State *L)
{
    return content_chunks(L, &check(L)->content);
}

/* Its head is part of the userdata. */
static bool is_inside(const struct lresponse *u)
{
    return (const void *)u->rs == (const void *)u->head;
}

static int response_gc(lua_State *L)
{
    struct lresponse *u = lua_touserdata(L, 1);

    content_fini(&u->content);
    if (!is_inside(u))
        response_drop(u->rs);
    u->rs = NULL;
    return 0;
}

struct lresponse *response_new(lua_State *L, const struct response *rs)
{
    struct lresponse *u = bind_new(
        L, &response_class, sizeof(*u) + response_size(rs), VALUE_SOCKET);

    u->rs = response_place(u->head, rs);
    return u;
}

/* response:clone() -> a second Response with the same body, each to be read
 * once.  Raises when the body was used already. */
static int clone(lua_State *L)
{
    struct lresponse *u = check(L);

    struct response head = *u->rs;

    lua_settop(L, 1);
    lua_getiuservalue(L, 1, VALUE_HEADERS);
    if (headers_changed(L, 2))
        head.fields = headers_fields(L, 2, &head.field_count);
    response_new(L, &head);
    bind_keep(L, 1, &response_class);
    bind_keep(L, -1, &response_class);
    content_clone(L, 1, lua_gettop(L));
    return 1;
}

static const luaL_Reg response_methods[] = {
    {"text", text},   {"json", json}, {"chunks", chunks},
    {"clone", clone}, {NULL, NULL},
};

static const struct bind_class response_class = {.name = "Response",
                                                 .methods = response_methods,
                                                 .fields = response_fields,
                                                 .release = response_gc,
                                                 .key = BIND_KEY_RESPONSE};

/* All of its body is there, in one piece that is quickly copied, or none. */
static bool is_small(const struct response *rs, struct slice *text)
{
    const struct body *b = rs->body;

    return b == NULL || (body_peek(b, text) == BODY_ENDED &&
                         text->n == body_buffered(b) && text->n <= TEXT_MAX);
}

/* While the event is under way and gets no other answer, who passes `u` on
 * passes on `rs`, which is taken over. */
static void lend(lua_State *L, struct lresponse *u, struct response *rs)
{
    struct event *e = bind_event(L);

    if (e == NULL) {
        response_drop(rs);
        return;
    }
    response_drop(e->lent);
    e->lent = rs;
    u->mark = e->lent_response = bind_new_mark(L);
}

void bind_push_response(lua_State *L, struct response **rs)
{
    struct slice text = {NULL, 0};
    struct lresponse *u;

    if ((*rs)->socket == NULL && is_small(*rs, &text)) {
        u = response_new(L, *rs);
        if (text.p != NULL) {
            lua_pushlstring(L, text.p, text.n);
            lua_setiuservalue(L, -2, VALUE_BODY);
        }
        lend(L, u, *rs);
    } else {
        u = bind_new(L, &response_class, sizeof(*u), VALUE_SOCKET);
        bind_keep(L, -1, &response_class);
        u->rs = *rs;
        u->content.body = u->rs->body != NULL ? body_hold(u->rs->body) : NULL;
    }
    *rs = NULL;
    u->content.is_plain = true;
    u->content.is_once = true;
    if (u->content.body != NULL)
        unread_count(L, u->content.body);
}

/* The Response with the body at `body_at`, a string or nil, as it is. */
static struct response *copy_out(lua_State *L, struct lresponse *u, int body_at)
{
    const struct event *e = bind_event(L);
    struct slice text = bind_to_slice(L, body_at);
    struct response head = *u->rs;

    u->content.is_used = text.p != NULL && u->content.is_once;
    if (e != NULL && u->mark != 0 && e->lent_response == u->mark)
        return response_hold(e->lent);
    if (text.p != NULL)
        head.body = body_from(text.p, text.n);
    return response_build(&head);
}

/* Hand over the Response at `idx`, whose body was not used. */
static struct response *give(lua_State *L, int idx)
{
    struct lresponse *u = lua_touserdata(L, idx);
    struct response *rs = u->rs;

    if (is_inside(u) && u->content.is_plain) {
        lua_getiuservalue(L, idx, VALUE_BODY);
        return copy_out(L, u, -1);
    }
    if (rs->socket == NULL && content_pass_on(&u->content, rs->body))
        return response_hold(rs);
    lua_getiuservalue(L, idx, VALUE_HEADERS);
    bool is_changed = headers_changed(L, -1);
    lua_getiuservalue(L, idx, VALUE_SOCKET);
    int socket_at = lua_gettop(L);
    struct response head = *rs;
    if (is_changed) /* the array stays on the stack until it is copied */
        head.fields = headers_fields(L, -2, &head.field_count);
    struct body *body = content_take(L, idx, CONTENT_AGAIN); /* raises no
                                                                more */
    if (!lua_isnil(L, socket_at)) {
        head.socket = bind_take_socket(L, socket_at);
        lua_pushnil(L);
        lua_setiuservalue(L, idx, VALUE_SOCKET);
    } else if (!is_inside(u) && !is_changed && body == rs->body &&
               rs->socket == NULL) {
        body_drop(body); /* the response has a reference of its own */
        return response_hold(rs);
    }
    head.body = body;
    rs->socket = NULL; /* the script has it no more */
    return response_build(&head);
}

/* The Response at `idx`, with status 101, has a WebSocket that can be handed
 * over; else `*what` says what it is.  May leave values on the stack. */
static bool has_socket(lua_State *L, int idx, const struct response *rs,
                       const char **what)
{
    *what = "a Response whose WebSocket was used already";
    if (lua_getiuservalue(L, idx, VALUE_SOCKET) == LUA_TNIL)
        return rs->socket != NULL;
    if (bind_is_socket(L, -1, what))
        return true;
    *what = lua_pushfstring(L, "a Response that cannot be sent: %s", *what);
    return false;
}

struct response *bind_to_response(lua_State *L, int idx, const char **what)
{
    struct slice s = bind_to_slice(L, idx);
    int top = lua_gettop(L);

    *what = NULL;
    idx = lua_absindex(L, idx);
    if (s.p != NULL)
        return response_text(200, s);
    if (lua_isnoneornil(L, idx))
        return response_text(404, SLICE("not found"));
    const struct lresponse *u = bind_test(L, idx, &response_class);
    if (u == NULL) {
        *what = bind_what(L, idx);
        return NULL;
    }
    if (content_is_used(&u->content)) {
        *what = "a Response whose body was used already";
        return NULL;
    }
    luaL_checkstack(L, 16, NULL);
    if (u->rs->status == 101 && !has_socket(L, idx, u->rs, what))
        return NULL;
    struct response *rs = give(L, idx);
    lua_settop(L, top);
    return rs;
}
