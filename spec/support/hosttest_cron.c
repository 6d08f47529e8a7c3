/*
 * hosttest_cron.c - cron.h for busted.
 *
 *   local T = require "hosttest_cron"
 *   local c = T.parse "0 9 * * mon-fri"      -- or nil, text, "INVALID"
 *   c:next(ms) -> ms
 */
#include "base/cron.h"
#include "spec/support/hosttest.h"

#define CRON_MT "hosttest.cron"

int luaopen_hosttest_cron(lua_State *L);

static int parse(lua_State *L)
{
    struct error err = {0};
    struct slice text;

    text.p = luaL_checklstring(L, 1, &text.n);
    struct cron *c = make(L, sizeof(*c), CRON_MT);
    int rc = cron_parse(text, c, &err);
    return rc != 0 ? fail(L, rc, err.text) : 1;
}

static int next_time(lua_State *L)
{
    const struct cron *c = luaL_checkudata(L, 1, CRON_MT);

    lua_pushinteger(L, cron_next(c, luaL_checkinteger(L, 2)));
    return 1;
}

static const luaL_Reg methods[] = {{"next", next_time}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"parse", parse}, {NULL, NULL}};

int luaopen_hosttest_cron(lua_State *L)
{
    add_type(L, CRON_MT, methods);
    luaL_newlib(L, functions);
    return 1;
}
