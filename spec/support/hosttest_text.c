/*
 * hosttest_text.c - what the commands print, for busted.
 *
 *   local T = require "hosttest_text"
 *   T.value(bytes [, max])    -- value_text.h
 *   T.value_json(bytes)       -- the same: JSON, and how many bytes it took
 *   T.parse(json)             -- value_parse.h: bytes, or nil and why not
 *   T.escaped(bytes)          -- text.h: printable
 *   T.cut(text, width)        -- its first characters
 *   T.bytes(n), T.duration(ms), T.when(ms, now), T.count(n)  -- format.h
 *   T.json(row)               -- jsonrow.h: any bytes
 */
#include "base/text.h"
#include "bindings/address_text.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "spec/support/hosttest.h"
#include "vm/value_parse.h"
#include "vm/value_text.h"

int luaopen_hosttest_text(lua_State *L);

static struct slice check_slice(lua_State *L, int idx)
{
    struct slice s;

    s.p = luaL_checklstring(L, idx, &s.n);
    return s;
}

static int give(lua_State *L, struct buf *out)
{
    lua_pushlstring(L, out->p == NULL ? "" : out->p, out->n);
    buf_fini(out);
    return 1;
}

static int value(lua_State *L)
{
    size_t max = (size_t)luaL_optinteger(L, 2, 1000);
    struct slice given = check_slice(L, 1);
    struct buf out = {0};
    /* Of its own, so that a sanitizer sees what is read behind it. */
    struct buf in = {0};

    buf_add_slice(&in, given);
    value_text(buf_slice(&in), max, address_text, &out);
    buf_fini(&in);
    return give(L, &out);
}

static int value_as_json(lua_State *L)
{
    struct slice given = check_slice(L, 1);
    struct buf out = {0};
    struct buf in = {0};

    buf_add_slice(&in, given);
    size_t used = value_json(buf_slice(&in), address_text, &out);
    buf_fini(&in);
    give(L, &out);
    lua_pushinteger(L, (lua_Integer)used);
    return 2;
}

static int parse(lua_State *L)
{
    struct slice given = check_slice(L, 1);
    struct error err = {0};
    struct buf out = {0};
    struct buf in = {0};

    buf_add_slice(&in, given);
    int rc = value_parse(buf_slice(&in), &out, &err);
    buf_fini(&in);
    if (rc == 0)
        return give(L, &out);
    buf_fini(&out);
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
}

static int escaped(lua_State *L)
{
    struct slice s = check_slice(L, 1);
    struct buf out = {0};

    text_add_escaped(&out, s, TEXT_PRINTABLE);
    return give(L, &out);
}

static int cut(lua_State *L)
{
    struct slice s = check_slice(L, 1);

    lua_pushlstring(L, s.p, text_cut(s, (size_t)luaL_checkinteger(L, 2)));
    lua_pushinteger(L, (lua_Integer)text_width(s));
    return 2;
}

static int bytes(lua_State *L)
{
    int64_t n = luaL_checkinteger(L, 1);
    struct buf out = {0};

    format_bytes(&out, n);
    return give(L, &out);
}

static int duration(lua_State *L)
{
    int64_t ms = luaL_checkinteger(L, 1);
    struct buf out = {0};

    format_duration(&out, ms);
    return give(L, &out);
}

static int when(lua_State *L)
{
    int64_t ms = luaL_checkinteger(L, 1);
    int64_t now = luaL_checkinteger(L, 2);
    struct buf out = {0};

    format_when(&out, ms, now);
    return give(L, &out);
}

static int count(lua_State *L)
{
    int64_t n = luaL_checkinteger(L, 1);
    struct buf out = {0};

    format_count(&out, n);
    return give(L, &out);
}

static int json(lua_State *L)
{
    struct slice given = check_slice(L, 1);
    struct buf out = {0};
    struct buf in = {0};

    buf_add_slice(&in, given);
    jsonrow_add(&out, buf_slice(&in));
    buf_fini(&in);
    return give(L, &out);
}

static const luaL_Reg functions[] = {
    {"value", value},       {"value_json", value_as_json},
    {"parse", parse},       {"escaped", escaped},
    {"cut", cut},           {"bytes", bytes},
    {"duration", duration}, {"when", when},
    {"count", count},       {"json", json},
    {NULL, NULL},
};

int luaopen_hosttest_text(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
