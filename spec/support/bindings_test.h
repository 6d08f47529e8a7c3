/*
 * bindings_test.h - part of hosttest_bindings.c: the globals of a chunk, mk,
 * storage and test.
 */
#ifndef SPEC_BINDINGS_TEST_H
#define SPEC_BINDINGS_TEST_H

#include "bindings/id.h"
#include "bindings/modules.h"
#include "bindings_world.h"

/* test.request{ method=, url=, target=, headers={{n,v}...}, body=, open= } */
static int test_request(lua_State *L)
{
    struct world *w = world_of(L);
    struct request rq = {.method = SLICE("GET"),
                         .url = SLICE("http://h/"),
                         .target = SLICE("/"),
                         .ip = "10.0.0.1"};
    struct field fields[16];

    if (lua_getfield(L, 1, "method") == LUA_TSTRING)
        rq.method = bind_to_slice(L, -1);
    if (lua_getfield(L, 1, "url") == LUA_TSTRING)
        rq.url = bind_to_slice(L, -1);
    if (lua_getfield(L, 1, "target") == LUA_TSTRING)
        rq.target = bind_to_slice(L, -1);
    if (lua_getfield(L, 1, "headers") == LUA_TTABLE) {
        for (int i = 1; lua_rawgeti(L, -1, i) == LUA_TTABLE; i++) {
            lua_rawgeti(L, -1, 1);
            lua_rawgeti(L, -2, 2);
            fields[rq.field_count++] =
                (struct field){bind_to_slice(L, -2), bind_to_slice(L, -1)};
            lua_pop(L, 3);
        }
        lua_pop(L, 1);
    }
    rq.fields = fields;
    lua_getfield(L, 1, "open");
    bool is_open = lua_toboolean(L, -1) != 0;
    if (lua_getfield(L, 1, "body") == LUA_TSTRING) {
        struct slice s = bind_to_slice(L, -1);
        rq.body = body_from(s.p, s.n);
    } else if (is_open) {
        body_drop(w->fed);
        w->fed = body_new(-1);
        rq.body = body_hold(w->fed);
    }
    struct request *built = request_build(&rq);

    bind_push_request(L, built);
    request_drop(built);
    return 1;
}

/* test.feed(chunk) -> whether somebody still reads */
static int test_feed(lua_State *L)
{
    struct slice s = bind_check_slice(L, 1);

    lua_pushboolean(L, body_write(world_of(L)->fed, s.p, s.n) == 0);
    return 1;
}

static int test_finish(lua_State *L)
{
    body_end(world_of(L)->fed);
    return 0;
}

static int test_fail(lua_State *L)
{
    body_fail(world_of(L)->fed, ERR_CLOSED);
    return 0;
}

static int test_spawn(lua_State *L)
{
    lua_settop(L, 1);
    bind_spawn_task(L, 0);
    return 0;
}

/* test.respond(value) -> status, reason, "name: value\n..." | nil, what */
static int test_respond(lua_State *L)
{
    struct world *w = world_of(L);
    const char *what = NULL;
    struct buf *b = NULL;

    struct response *rs = bind_to_response(L, 1, &what);
    response_drop(w->out);
    w->out = rs;
    if (rs == NULL) {
        lua_pushnil(L);
        lua_pushstring(L, what);
        return 2;
    }
    b = bind_scratch(L);
    for (uint32_t i = 0; i < rs->field_count; i++) {
        buf_add_slice(b, rs->fields[i].name);
        buf_add_text(b, ": ");
        buf_add_slice(b, rs->fields[i].value);
        buf_add_text(b, "\n");
    }
    lua_pushinteger(L, rs->status);
    bind_push_slice(L, rs->reason);
    bind_push_scratch(L, b);
    return 3;
}

/* test.drain([max]) -> bytes of the response's body that are there, state */
static int test_drain(lua_State *L)
{
    static const char *const names[] = {"open", "ended", "failed"};
    struct body *body = world_of(L)->out->body;
    lua_Integer max = luaL_optinteger(L, 1, 1 << 30);
    struct slice run = {NULL, 0};
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    enum body_state state = body == NULL ? BODY_ENDED : body_peek(body, &run);
    while (run.n != 0 && max > 0) {
        size_t n = run.n < (size_t)max ? run.n : (size_t)max;
        luaL_addlstring(&b, run.p, n);
        body_consume(body, n);
        max -= (lua_Integer)n;
        state = body_peek(body, &run);
    }
    luaL_pushresult(&b);
    lua_pushstring(L, names[state]);
    return 2;
}

static int test_hang_up(lua_State *L)
{
    body_abandon(world_of(L)->out->body);
    return 0;
}

/* test.forward(url | request [, init]) -> Request, as a stub would send it */
static int test_forward(lua_State *L)
{
    lua_settop(L, 2);
    struct request *rq = bind_check_request(L, 1, 1);

    bind_push_request(L, rq);
    request_drop(rq);
    return 1;
}

static void nothing(void)
{
}

static void end_wait(struct waiter *one)
{
    list_unlink(&one->link);
    wait_done(&one->wait, 0);
    free(one);
}

/* A wait that ends with the turn. */
static int rested(lua_State *L, int status, lua_KContext ctx)
{
    (void)L, (void)status, (void)ctx;
    nothing();
    return 0;
}

static int test_rest(lua_State *L)
{
    return bind_wait_durable(L, rested);
}

static int test_log(lua_State *L)
{
    struct world *w = world_of(L);

    bind_push_slice(L, buf_slice(&w->log));
    w->log.n = 0;
    return 1;
}

static int test_commits(lua_State *L)
{
    lua_pushinteger(L, world_of(L)->commits);
    return 1;
}

/* test.key(unique), test.id(unique, name) -> hex, test.fits(unique, hex) */
static int test_id(lua_State *L)
{
    uint8_t key[ID_KEY_SIZE];
    struct oid id;
    char hex[OID_HEX + 1];

    id_key(luaL_checkstring(L, 1), key);
    if (lua_isnoneornil(L, 2))
        id_unique(key, &world_of(L)->random, &id);
    else
        id_from_name(key, bind_check_slice(L, 2), &id);
    oid_to_hex(&id, hex);
    lua_pushstring(L, hex);
    return 1;
}

static int test_fits(lua_State *L)
{
    uint8_t key[ID_KEY_SIZE];
    struct slice hex = bind_check_slice(L, 2);
    struct oid id;

    id_key(luaL_checkstring(L, 1), key);
    lua_pushboolean(L, oid_from_hex(hex.p, hex.n, &id) && id_fits(key, &id));
    return 1;
}

static const luaL_Reg test_functions[] = {
    {"request", test_request},
    {"feed", test_feed},
    {"finish", test_finish},
    {"fail", test_fail},
    {"spawn", test_spawn},
    {"respond", test_respond},
    {"drain", test_drain},
    {"hangUp", test_hang_up},
    {"forward", test_forward},
    {"rest", test_rest},
    {"log", test_log},
    {"commits", test_commits},
    {"id", test_id},
    {"fits", test_fits},
    {NULL, NULL},
};

static const luaL_Reg mk_parts[] = {
    {"json", bind_open_json},         {"msgpack", bind_open_msgpack},
    {"base64", bind_open_base64},     {"hex", bind_open_hex},
    {"url", bind_open_url},           {"crypto", bind_open_crypto},
    {"log", bind_open_log},           {"Request", bind_open_request},
    {"Response", bind_open_response}, {"Headers", bind_open_headers},
    {"blob", bind_open_blob},         {NULL, NULL},
};

static int open_globals(lua_State *L)
{
    lua_newtable(L);
    for (const luaL_Reg *part = mk_parts; part->name != NULL; part++) {
        part->func(L);
        lua_setfield(L, -2, part->name);
    }
    bind_push_null(L);
    lua_setfield(L, -2, "null");
    lua_setglobal(L, "mk");
    bind_open_storage(L);
    lua_setglobal(L, "storage");
    luaL_newlib(L, test_functions);
    lua_setglobal(L, "test");
    return 0;
}

#endif
