/*
 * hosttest_wire.c - runtime/wire and base/body.h for busted.
 *
 *   T.head(bytes [, seen])      a table; 0 when more is needed; nil, status
 *   T.authority(text)           whether it is valid
 *   T.body(length, piece, ...)  the bytes, whether it is done, what is behind
 *                               it; or nil
 *   T.reply{ ... }              the head, and how the body goes
 *   T.chunk_line(n), T.date(ms)
 *   T.body_new(length), T.body_from(text), T.body_take(text)  a body: below
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/body.h"
#include "base/err.h"
#include "base/mem.h"
#include "wire/http_authority.h"
#include "wire/http_body.h"
#include "wire/http_head.h"
#include "wire/http_reply.h"

#define BODY_MT "hosttest.body"

static void set_slice(lua_State *L, const char *name, struct slice s)
{
    lua_pushlstring(L, s.n == 0 ? "" : s.p, s.n);
    lua_setfield(L, -2, name);
}

static void push_fields(lua_State *L, const struct http_head *head)
{
    lua_newtable(L);
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct field *f = &head->fields[i];

        lua_newtable(L);
        lua_pushlstring(L, f->name.p, f->name.n);
        lua_rawseti(L, -2, 1);
        lua_pushlstring(L, f->value.p, f->value.n);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "fields");
}

static void push_head(lua_State *L, const struct http_head *head, int size)
{
    struct buf url = {0};
    struct slice target = http_head_url(head, SLICE("fallback:80"), &url);

    lua_newtable(L);
    set_slice(L, "method", head->method);
    set_slice(L, "authority", head->authority);
    set_slice(L, "url", buf_slice(&url));
    set_slice(L, "target", target);
    lua_pushinteger(L, size);
    lua_setfield(L, -2, "size");
    lua_pushinteger(L, head->minor);
    lua_setfield(L, -2, "minor");
    lua_pushinteger(L, head->length);
    lua_setfield(L, -2, "length");
    lua_pushboolean(L, head->keep_alive);
    lua_setfield(L, -2, "keep_alive");
    lua_pushboolean(L, head->expects_continue);
    lua_setfield(L, -2, "expects_continue");
    push_fields(L, head);
    buf_fini(&url);
}

static int t_head(lua_State *L)
{
    size_t n = 0;
    const char *p = luaL_checklstring(L, 1, &n);
    size_t seen = (size_t)luaL_optinteger(L, 2, 0);
    struct http_head *head = lua_newuserdatauv(L, sizeof(*head), 0);
    /* A copy of the exact size, so that a sanitizer sees a read past it. */
    char *copy = mem_alloc(n == 0 ? 1 : n);

    memcpy(copy, p, n);
    int size = http_head_parse(copy, n, seen, head);
    int status = head->status;

    if (size > 0)
        push_head(L, head, size);
    free(copy);
    if (size > 0)
        return 1;
    if (size == 0) {
        lua_pushinteger(L, 0);
        return 1;
    }
    lua_pushnil(L);
    lua_pushinteger(L, status);
    return 2;
}

static int t_authority(lua_State *L)
{
    struct slice s = {0};

    s.p = luaL_checklstring(L, 1, &s.n);
    lua_pushboolean(L, http_authority_is_valid(s));
    return 1;
}

static int t_body(lua_State *L)
{
    struct http_body b;
    struct slice in = {0};
    luaL_Buffer out;
    int top = lua_gettop(L);

    http_body_init(&b, luaL_checkinteger(L, 1));
    luaL_buffinit(L, &out);
    for (int i = 2; i <= top; i++) {
        in.p = luaL_checklstring(L, i, &in.n);
        while (in.n != 0 && !http_body_is_done(&b)) {
            struct slice data;

            if (http_body_next(&b, &in, &data) != 0)
                return 0;
            luaL_addlstring(&out, data.n == 0 ? "" : data.p, data.n);
        }
    }
    luaL_pushresult(&out);
    lua_pushboolean(L, http_body_is_done(&b));
    lua_pushlstring(L, in.n == 0 ? "" : in.p, in.n);
    return 3;
}

static struct slice opt_slice(lua_State *L, const char *name)
{
    struct slice s = {0};

    lua_getfield(L, 1, name);
    s.p = lua_tolstring(L, -1, &s.n);
    lua_pop(L, 1); /* the table keeps it */
    return s;
}

static bool flag(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    bool is_set = lua_toboolean(L, -1);

    lua_pop(L, 1);
    return is_set;
}

static int64_t integer(lua_State *L, const char *name, int64_t otherwise)
{
    lua_getfield(L, 1, name);
    int64_t n = luaL_optinteger(L, -1, otherwise);

    lua_pop(L, 1);
    return n;
}

/* T.reply{ status=, reason=, name=, value=, body= | open=, head=, minor=,
 * close= } -> head, framing, has_body, keep_alive */
static int t_reply(lua_State *L)
{
    static const char *const framings[] = {"none", "length", "chunked",
                                           "close"};
    struct slice text = opt_slice(L, "body");
    int64_t open = integer(L, "open", -2);
    struct field f = {opt_slice(L, "name"), opt_slice(L, "value")};
    struct response rs = {.status = (int)integer(L, "status", 200),
                          .reason = opt_slice(L, "reason"),
                          .field_count = f.name.p != NULL,
                          .fields = &f};
    struct http_terms terms = {.is_head = flag(L, "head"),
                               .minor = (int)integer(L, "minor", 1),
                               .keep_alive = !flag(L, "close")};
    struct buf out = {0};

    if (text.p != NULL)
        rs.body = body_from(text.p, text.n);
    else if (open > -2)
        rs.body = body_new(open);
    struct http_reply plan = http_reply_plan(&rs, &terms);

    http_reply_head(&out, &rs, &plan, SLICE("D"));
    body_drop(rs.body);
    lua_pushlstring(L, out.p, out.n);
    buf_fini(&out);
    lua_pushstring(L, framings[plan.framing]);
    lua_pushboolean(L, plan.has_body);
    lua_pushboolean(L, plan.keep_alive);
    return 4;
}

static int t_chunk_line(lua_State *L)
{
    struct buf b = {0};

    http_chunk_line(&b, (size_t)luaL_checkinteger(L, 1));
    lua_pushlstring(L, b.p, b.n);
    buf_fini(&b);
    return 1;
}

static int t_date(lua_State *L)
{
    char text[HTTP_DATE_SIZE + 1];

    http_date(luaL_checkinteger(L, 1), text);
    lua_pushstring(L, text);
    return 1;
}

/* A body: write, finish, fail, peek, consume, read, full, buffered, length,
 * left, abandon, abandoned, lone, error, tee, on_readable, on_writable, drop.
 * The callbacks only count: `b:calls()` gives readable, writable. */
struct lbody {
    struct body *b;
    int readable, writable;
    bool consumes; /* in on_readable, all that there is */
};

static struct lbody *check_body(lua_State *L)
{
    return luaL_checkudata(L, 1, BODY_MT);
}

static struct lbody *push_body(lua_State *L, struct body *b)
{
    struct lbody *u = lua_newuserdatauv(L, sizeof(*u), 0);

    *u = (struct lbody){.b = b};
    luaL_setmetatable(L, BODY_MT);
    return u;
}

static int t_body_new(lua_State *L)
{
    push_body(L, body_new(luaL_optinteger(L, 1, -1)));
    return 1;
}

static int t_body_from(lua_State *L)
{
    size_t n = 0;
    const char *p = luaL_checklstring(L, 1, &n);

    push_body(L, body_from(p, n));
    return 1;
}

static int t_body_take(lua_State *L)
{
    size_t n = 0;
    const char *p = luaL_checklstring(L, 1, &n);
    struct buf b = {0};

    buf_add(&b, p, n);
    push_body(L, body_take(&b));
    lua_pushboolean(L, b.p == NULL && b.n == 0);
    return 2;
}

static int b_write(lua_State *L)
{
    size_t n = 0;
    const char *p = luaL_checklstring(L, 2, &n);

    lua_pushstring(L, err_name(body_write(check_body(L)->b, p, n)));
    return 1;
}

static int b_give(lua_State *L)
{
    size_t n = 0;
    const char *p = luaL_checklstring(L, 2, &n);
    struct buf bytes = {0};

    buf_add(&bytes, p, n);
    lua_pushstring(L, err_name(body_give(check_body(L)->b, &bytes)));
    lua_pushboolean(L, bytes.p == NULL && bytes.n == 0);
    return 2;
}

static int b_finish(lua_State *L)
{
    body_end(check_body(L)->b);
    return 0;
}

static int b_fail(lua_State *L)
{
    body_fail(check_body(L)->b, ERR_TIMEOUT);
    return 0;
}

static int b_peek(lua_State *L)
{
    static const char *const names[] = {"open", "ended", "failed"};
    struct slice run;
    enum body_state state = body_peek(check_body(L)->b, &run);

    lua_pushlstring(L, run.n == 0 ? "" : run.p, run.n);
    lua_pushstring(L, names[state]);
    return 2;
}

static int b_consume(lua_State *L)
{
    body_consume(check_body(L)->b, (size_t)luaL_checkinteger(L, 2));
    return 0;
}

/* Everything that is there. */
static int b_read(lua_State *L)
{
    struct lbody *u = check_body(L);
    struct slice run;
    luaL_Buffer out;

    luaL_buffinit(L, &out);
    for (body_peek(u->b, &run); run.n != 0; body_peek(u->b, &run)) {
        luaL_addlstring(&out, run.p, run.n);
        body_consume(u->b, run.n);
    }
    luaL_pushresult(&out);
    return 1;
}

static int b_facts(lua_State *L)
{
    const struct body *b = check_body(L)->b;

    lua_newtable(L);
    lua_pushboolean(L, body_is_full(b));
    lua_setfield(L, -2, "full");
    lua_pushboolean(L, body_is_over(b));
    lua_setfield(L, -2, "over");
    lua_pushboolean(L, body_is_abandoned(b));
    lua_setfield(L, -2, "abandoned");
    lua_pushboolean(L, body_is_lone(b));
    lua_setfield(L, -2, "lone");
    lua_pushinteger(L, (lua_Integer)body_buffered(b));
    lua_setfield(L, -2, "buffered");
    lua_pushinteger(L, body_length(b));
    lua_setfield(L, -2, "length");
    lua_pushinteger(L, body_left(b));
    lua_setfield(L, -2, "left");
    lua_pushstring(L, err_name(body_error(b)));
    lua_setfield(L, -2, "error");
    return 1;
}

static int b_abandon(lua_State *L)
{
    body_abandon(check_body(L)->b);
    return 0;
}

static int b_hold(lua_State *L)
{
    push_body(L, body_hold(check_body(L)->b));
    return 1;
}

static int b_tee(lua_State *L)
{
    struct body *one = NULL;
    struct body *two = NULL;

    body_tee(body_hold(check_body(L)->b), &one, &two);
    push_body(L, one);
    push_body(L, two);
    return 2;
}

static void on_readable(struct body *b, void *arg)
{
    struct lbody *u = arg;
    struct slice run;

    u->readable++;
    if (!u->consumes)
        return;
    for (body_peek(b, &run); run.n != 0; body_peek(b, &run))
        body_consume(b, run.n);
}

static void on_writable(struct body *b, void *arg)
{
    (void)b;
    ((struct lbody *)arg)->writable++;
}

static int b_watch(lua_State *L)
{
    struct lbody *u = check_body(L);

    u->consumes = lua_toboolean(L, 2);
    body_on_readable(u->b, on_readable, u);
    body_on_writable(u->b, on_writable, u);
    return 0;
}

static int b_calls(lua_State *L)
{
    struct lbody *u = check_body(L);

    lua_pushinteger(L, u->readable);
    lua_pushinteger(L, u->writable);
    return 2;
}

static int b_drop(lua_State *L)
{
    struct lbody *u = check_body(L);

    if (u->b != NULL && u->readable + u->writable != 0) {
        body_on_readable(u->b, NULL, NULL);
        body_on_writable(u->b, NULL, NULL);
    }
    body_drop(u->b);
    u->b = NULL;
    return 0;
}

static const luaL_Reg body_methods[] = {
    {"write", b_write},     {"give", b_give},       {"finish", b_finish},
    {"fail", b_fail},       {"peek", b_peek},       {"read", b_read},
    {"consume", b_consume}, {"facts", b_facts},     {"hold", b_hold},
    {"tee", b_tee},         {"abandon", b_abandon}, {"watch", b_watch},
    {"calls", b_calls},     {"drop", b_drop},       {"__gc", b_drop},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"head", t_head},
    {"authority", t_authority},
    {"body", t_body},
    {"reply", t_reply},
    {"chunk_line", t_chunk_line},
    {"date", t_date},
    {"body_new", t_body_new},
    {"body_from", t_body_from},
    {"body_take", t_body_take},
    {NULL, NULL},
};

int luaopen_hosttest_wire(lua_State *L);

int luaopen_hosttest_wire(lua_State *L)
{
    luaL_newmetatable(L, BODY_MT);
    luaL_setfuncs(L, body_methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
