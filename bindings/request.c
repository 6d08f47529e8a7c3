#include "bindings/request.h"
#include "bindings/bind.h"
#include "bindings/content.h"
#include "bindings/headers.h"
#include "bindings/http.h"
#include "bindings/modules.h"
#include "bindings/unread.h"
#include "bindings/url.h"
#include "object/event.h"

static const struct bind_class request_class;

static struct lrequest *check(lua_State *L)
{
    return bind_check(L, 1, &request_class);
}

static int method(lua_State *L)
{
    bind_push_slice(L, check(L)->rq->method);
    return 1;
}

static int url(lua_State *L)
{
    bind_push_slice(L, check(L)->rq->url);
    return 1;
}

static int path(lua_State *L)
{
    bind_push_slice(L, url_path(check(L)->rq->target));
    return 1;
}

static int ip(lua_State *L)
{
    const struct request *rq = check(L)->rq;

    if (rq->ip[0] == '\0')
        return 0;
    lua_pushstring(L, rq->ip);
    return 1;
}

/* A table that is made once and kept in a user value. */
static int query_table(lua_State *L, int slot, enum url_values values)
{
    const struct request *rq = check(L)->rq;

    if (lua_getiuservalue(L, 1, slot) != LUA_TNIL)
        return 1;
    url_push_pairs(L, url_query(rq->target), values);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, slot);
    return 1;
}

static int query(lua_State *L)
{
    return query_table(L, VALUE_QUERY, URL_FIRST);
}

static int query_all(lua_State *L)
{
    return query_table(L, VALUE_QUERY_ALL, URL_ALL);
}

static int headers(lua_State *L)
{
    struct lrequest *u = check(L);

    if (lua_getiuservalue(L, 1, VALUE_HEADERS) != LUA_TNIL)
        return 1;
    headers_push_view(L, 1, u->rq->fields, u->rq->field_count,
                      u->is_own ? HEADERS_MUTABLE : HEADERS_FROZEN);
    u->content.is_plain = false;
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, VALUE_HEADERS);
    return 1;
}

static const luaL_Reg request_fields[] = {
    {"method", method},      {"url", url},         {"path", path},
    {"query", query},        {"headers", headers}, {"ip", ip},
    {"queryAll", query_all}, {NULL, NULL},
};

/* request:text() -> the body as a string.  Waits. */
static int text(lua_State *L)
{
    return content_text(L, &check(L)->content);
}

/* request:json() -> the body decoded.  Waits; raises the byte offset of what
 * is not JSON. */
static int json(lua_State *L)
{
    return content_json(L, &check(L)->content);
}

/*
 * request:form() -> name -> first value, name -> array of values
 *
 * Of an urlencoded or multipart form.  A file is a table with filename, type
 * and data.  Waits.
 */
static int form(lua_State *L)
{
    struct lrequest *u = check(L);
    const struct field *type =
        fields_find(u->rq->fields, u->rq->field_count, SLICE("content-type"));

    return content_form(L, &u->content, type != NULL ? type->value : SLICE(""));
}

/* request:chunks() -> iterator over pieces of the body as they come; each step
 * waits. */
static int chunks(lua_State *L)
{
    return content_chunks(L, &check(L)->content);
}

/* Its head is part of the userdata. */
static bool is_inside(const struct lrequest *u)
{
    return (const void *)u->rq == (const void *)u->head;
}

static int request_gc(lua_State *L)
{
    struct lrequest *u = lua_touserdata(L, 1);

    content_fini(&u->content);
    if (!is_inside(u))
        request_drop(u->rq);
    u->rq = NULL;
    return 0;
}

struct lrequest *request_new(lua_State *L)
{
    struct lrequest *u =
        bind_new(L, &request_class, sizeof(struct lrequest), VALUE_QUERY_ALL);

    bind_keep(L, -1, &request_class);
    return u;
}

/* A reference to its head for somebody else. */
static struct request *share(lua_State *L, const struct lrequest *u)
{
    const struct event *e = bind_event(L);

    if (!is_inside(u))
        return request_hold(u->rq);
    if (e != NULL && u->mark != 0 && e->lent_request == u->mark)
        return request_hold(e->request);
    return request_build(u->rq);
}

/* A copy of the head of `rq`, with the fields of the Headers at `idx`. */
static struct request *rebuild(lua_State *L, const struct request *rq, int idx)
{
    struct request copy = *rq;

    copy.fields = headers_fields(L, idx, &copy.field_count);
    copy.body = NULL;
    struct request *built = request_build(&copy);
    lua_pop(L, 1);
    return built;
}

/* request:clone() -> a second Request with the same body, each to be read
 * once.  Raises when the body was used already. */
static int clone(lua_State *L)
{
    struct lrequest *u = check(L);

    lua_settop(L, 1);
    lua_getiuservalue(L, 1, VALUE_HEADERS);
    struct lrequest *copy = request_new(L);
    copy->is_own = true;
    copy->rq = headers_changed(L, 2) ? rebuild(L, u->rq, 2) : share(L, u);
    bind_keep(L, 1, &request_class);
    content_clone(L, 1, 3);
    return 1;
}

static const luaL_Reg request_methods[] = {
    {"text", text},     {"json", json},   {"form", form},
    {"chunks", chunks}, {"clone", clone}, {NULL, NULL},
};

static const struct bind_class request_class = {.name = "Request",
                                                .methods = request_methods,
                                                .fields = request_fields,
                                                .release = request_gc,
                                                .key = BIND_KEY_REQUEST};

struct lrequest *request_test(lua_State *L, int idx)
{
    return bind_test(L, idx, &request_class);
}

/* While its event is under way, who passes `u` on passes on `rq`. */
static void lend(lua_State *L, struct lrequest *u, const struct request *rq)
{
    struct event *e = bind_event(L);

    if (e != NULL && e->request == rq)
        u->mark = e->lent_request = bind_new_mark(L);
}

void bind_push_request(lua_State *L, struct request *rq)
{
    struct lrequest *u;

    if (rq->body != NULL) {
        u = request_new(L);
        u->rq = request_hold(rq);
        u->content.body = body_hold(rq->body);
    } else {
        u = bind_new(L, &request_class, sizeof(*u) + request_size(rq),
                     VALUE_QUERY_ALL);
        u->rq = request_place(u->head, rq);
        lend(L, u, rq);
    }
    u->content.is_plain = true;
    if (u->content.body != NULL)
        unread_count(L, u->content.body);
}

void bind_rewrite_request(lua_State *L, int idx, struct slice url,
                          size_t origin)
{
    struct lrequest *u = lua_touserdata(L, idx);
    struct request head = *u->rq;

    bind_keep(L, idx, &request_class);
    head.url = url;
    head.target = (struct slice){url.p + origin, url.n - origin};
    if (head.body != NULL)
        body_hold(head.body);
    struct request *built = request_build(&head);

    if (!is_inside(u))
        request_drop(u->rq);
    u->rq = built;
}

/* Hand over the Request at `idx`. */
static struct request *give(lua_State *L, int idx)
{
    struct lrequest *u = lua_touserdata(L, idx);
    struct request *built = NULL;

    if (content_is_used(&u->content))
        bind_raise(L, NULL, "body already used");
    if (content_pass_on(&u->content, u->rq->body))
        return share(L, u);
    lua_getiuservalue(L, idx, VALUE_HEADERS);
    bool is_changed = headers_changed(L, -1);
    struct request head = *u->rq;
    if (is_changed) /* the array stays on the stack until it is copied */
        head.fields = headers_fields(L, -1, &head.field_count);
    struct body *body = content_take(L, idx, CONTENT_ONCE); /* raises no more */
    if (!is_changed && body == u->rq->body) {
        body_drop(body); /* the request has a reference of its own */
        return share(L, u);
    }
    head.body = body;
    built = request_build(&head);
    return built;
}

struct request *bind_check_request(lua_State *L, int idx, int relative)
{
    int top = lua_gettop(L);

    idx = lua_absindex(L, idx);
    bool is_plain = request_test(L, idx) != NULL && lua_isnoneornil(L, idx + 1);
    if (!is_plain)
        request_make(L, idx, relative != 0);
    struct request *rq = give(L, is_plain ? idx : lua_gettop(L));
    lua_settop(L, top);
    return rq;
}

/*
 * mk.Request(url | request [, { method=, headers=, body= }]) -> Request
 * mk.Request(url, request) -> Request
 *
 * A url that begins with '/' is one of http://object.  Of a Request it takes
 * over what is not given; the body of the old one cannot be read then.  body: a
 * string (text/plain;charset=UTF-8 unless headers say otherwise), or a
 * function(write) that streams.
 */
static int new (lua_State *L)
{
    lua_settop(L, 2);
    request_make(L, 1, true);
    return 1;
}

int bind_open_request(lua_State *L)
{
    lua_pushcfunction(L, new);
    return 1;
}
