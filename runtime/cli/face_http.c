/* face_http.c - requests and responses, the test being the client or, for
 * mk.fetch, the server. */
#include "base/mem.h"
#include "bindings/bind.h"
#include "bindings/header_text.h"
#include "bindings/url.h"
#include "cli/face_inside.h"

#define MESSAGE_MT "moonkeep.test.message"

/* A message that came out of a world.  Its body is read, and let go of, by
 * nobody else. */
struct lmessage {
    struct request *request; /* owned; NULL: it is a response */
    struct response *response;
    struct body *body; /* of either, held; NULL without one */
};

static int message_gc(lua_State *L)
{
    struct lmessage *u = lua_touserdata(L, 1);

    if (u->body != NULL)
        body_abandon(u->body);
    body_drop(u->body);
    request_drop(u->request);
    response_drop(u->response);
    *u = (struct lmessage){0};
    return 0;
}

static struct lmessage *check_message(lua_State *L, int arg)
{
    return luaL_checkudata(L, arg, MESSAGE_MT);
}

static struct lmessage *new_message(lua_State *L)
{
    return face_new(L, MESSAGE_MT, message_gc, sizeof(struct lmessage), 1);
}

/* The test has no use for an end that it did not ask for. */
void face_push_response(lua_State *L, struct response **rs)
{
    struct lmessage *u = new_message(L);

    u->response = *rs;
    *rs = NULL;
    if (u->response->body != NULL)
        u->body = body_hold(u->response->body);
}

struct request **face_new_message(lua_State *L)
{
    return &new_message(L)->request;
}

void face_push_request(lua_State *L, struct request *rq)
{
    struct lmessage *u = new_message(L);

    u->request = request_hold(rq);
    if (rq->body != NULL)
        u->body = body_hold(rq->body);
}

const struct request *face_check_sent(lua_State *L, int arg)
{
    struct lmessage *u = check_message(L, arg);

    luaL_argcheck(L, u->request != NULL, arg, "a request expected");
    return u->request;
}

/* core.head(response) -> status, reason; of a request: method, url, ip */
static int head(lua_State *L)
{
    const struct lmessage *u = check_message(L, 1);
    const struct response *rs = u->response;
    const struct request *rq = u->request;

    if (rs != NULL) {
        lua_pushinteger(L, rs->status);
        bind_push_slice(L, rs->reason.n != 0
                               ? rs->reason
                               : slice_of(status_reason(rs->status)));
        return 2;
    }
    luaL_argcheck(L, rq != NULL, 1, "it is gone");
    bind_push_slice(L, rq->method);
    bind_push_slice(L, rq->url);
    lua_pushstring(L, rq->ip);
    return 3;
}

/* core.fields(message) -> array: name, value, name, value ... */
static int fields(lua_State *L)
{
    const struct lmessage *u = check_message(L, 1);
    const struct response *rs = u->response;
    const struct field *f = rs != NULL ? rs->fields : u->request->fields;
    uint32_t n = rs != NULL ? rs->field_count : u->request->field_count;

    lua_createtable(L, (int)n * 2, 0);
    for (uint32_t i = 0; i < n; i++) {
        bind_push_slice(L, f[i].name);
        lua_rawseti(L, -2, 2 * (lua_Integer)i + 1);
        bind_push_slice(L, f[i].value);
        lua_rawseti(L, -2, 2 * (lua_Integer)i + 2);
    }
    return 1;
}

/* core.read(message) -> the bytes of its body that have come, "open", "ended"
 * or "failed" */
static int read_body(lua_State *L)
{
    static const char *const names[] = {
        [BODY_OPEN] = "open", [BODY_ENDED] = "ended", [BODY_FAILED] = "failed"};
    struct body *body = check_message(L, 1)->body;
    struct buf *all = face_scratch(L);
    enum body_state state = BODY_ENDED;
    struct slice run = {0};

    if (body != NULL)
        state = body_peek(body, &run);
    while (run.n != 0) {
        buf_add_slice(all, run);
        body_consume(body, run.n);
        state = body_peek(body, &run);
    }
    face_push_scratch(L, all);
    lua_pushstring(L, names[state]);
    return 2;
}

/* core.leave(message): nobody reads its body any more */
static int leave(lua_State *L)
{
    struct lmessage *u = check_message(L, 1);

    if (u->body != NULL)
        body_abandon(u->body);
    return 0;
}

/* ---- made by the test ---- */

static struct slice check_method(lua_State *L, int arg)
{
    struct slice method = bind_check_slice(L, arg);

    if (!header_is_token(method))
        bind_raise(L, NULL, "'%s' is not a method that a request can have",
                   method.p);
    return method;
}

static void check_field(lua_State *L, const struct field *f)
{
    if (!header_is_token(f->name))
        bind_raise(L, NULL, "'%s' is not the name of a field", f->name.p);
    for (size_t i = 0; i < f->value.n; i++) {
        if (strchr("\r\n", f->value.p[i]) != NULL)
            bind_raise(L, NULL, "the field '%s' has CR, LF or NUL in its value",
                       f->name.p);
    }
}

/* Fields from the array at `idx` (name, value ...; or nil) behind `more`, in a
 * userdata that this leaves on the stack; their bytes are those of the array's
 * strings and of `more`. */
static struct field *gather(lua_State *L, int idx, const struct field *more,
                            uint32_t *count)
{
    bool has_some = !lua_isnoneornil(L, idx);
    uint32_t n = has_some ? (uint32_t)lua_rawlen(L, idx) / 2 : 0;
    struct field *all =
        lua_newuserdatauv(L, (*count + n + 1) * sizeof(*all), 0);

    for (uint32_t i = 0; i < *count; i++)
        all[i] = more[i];
    for (uint32_t i = 0; i < n; i++) {
        struct field *f = &all[*count + i];

        lua_rawgeti(L, idx, 2 * (lua_Integer)i + 1);
        f->name = bind_check_slice(L, -1);
        lua_rawgeti(L, idx, 2 * (lua_Integer)i + 2);
        f->value = bind_check_slice(L, -1);
        check_field(L, f);
        lua_pop(L, 2);
    }
    *count += n;
    return all;
}

struct request *face_check_request(lua_State *L, int arg,
                                   const struct field *more, uint32_t more_n)
{
    int top = lua_gettop(L);
    struct request rq = {.method = check_method(L, arg),
                         .ip = "127.0.0.1",
                         .field_count = more_n};
    struct slice url = bind_check_slice(L, arg + 1);
    struct slice body = {0};
    struct buf *whole = face_scratch(L);
    struct error err;
    size_t target;

    if (!lua_isnoneornil(L, arg + 3))
        body = bind_check_slice(L, arg + 3);
    if (url_normal(url, whole, &target, &err) != 0)
        bind_raise_error(L, NULL, &err);
    rq.url = buf_slice(whole);
    rq.target = (struct slice){whole->p + target, whole->n - target};
    rq.fields = gather(L, arg + 2, more, &rq.field_count);
    if (body.p != NULL)
        rq.body = body_from(body.p, body.n);
    struct request *built = request_build(&rq);

    lua_settop(L, top);
    return built;
}

struct response *face_check_answer(lua_State *L, int arg)
{
    int top = lua_gettop(L);
    lua_Integer status = luaL_checkinteger(L, arg);
    struct response rs = {.status = (int)status};
    struct slice body = {0};

    luaL_argcheck(L, status >= 200 && status <= 599, arg,
                  "a status from 200 to 599 expected");
    if (!lua_isnoneornil(L, arg + 1))
        rs.reason = bind_check_slice(L, arg + 1);
    if (!lua_isnoneornil(L, arg + 3))
        body = bind_check_slice(L, arg + 3);
    rs.fields = gather(L, arg + 2, NULL, &rs.field_count);
    if (body.p != NULL)
        rs.body = body_from(body.p, body.n);
    struct response *built = response_build(&rs);

    lua_settop(L, top);
    return built;
}

/* core.authority(url) -> its host and port, as Host has them.  Raises when it
 * is no url of http or https. */
static int authority(lua_State *L)
{
    struct slice text = bind_check_slice(L, 1);
    struct buf *whole = face_scratch(L);
    struct error err;
    size_t target;

    if (url_normal(text, whole, &target, &err) != 0)
        return bind_raise_error(L, NULL, &err);
    size_t from = whole->p[4] == 's' ? 8 : 7; /* behind "//" */
    lua_pushlstring(L, whole->p + from, target - from);
    return 1;
}

/* core.query(text) -> table of the first value of each name */
static int query(lua_State *L)
{
    struct slice rest = bind_check_slice(L, 1);
    struct slice name;
    struct slice value;

    lua_newtable(L);
    while (url_next_pair(&rest, &name, &value)) {
        struct buf *b = face_scratch(L);

        url_decode(name, URL_PLUS_IS_SPACE, b);
        face_push_scratch(L, b);
        lua_pushvalue(L, -1);
        bool is_known = lua_rawget(L, -3) != LUA_TNIL;
        lua_pop(L, 1);
        b = face_scratch(L);
        url_decode(value, URL_PLUS_IS_SPACE, b);
        face_push_scratch(L, b);
        if (is_known)
            lua_pop(L, 2);
        else
            lua_rawset(L, -3);
    }
    return 1;
}

const luaL_Reg face_http[] = {
    {"query", query},   {"authority", authority}, {"head", head},
    {"fields", fields}, {"read", read_body},      {"leave", leave},
    {NULL, NULL},
};
