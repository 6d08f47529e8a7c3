/* hosttest_logline.c - the log of base/, and nearest_word, for busted. */
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/logline.h"
#include "base/logtext.h"
#include "base/mem.h"
#include "base/nearest.h"

#define LOGGER_MT "hosttest.logger"

int luaopen_hosttest_logline(lua_State *L);

/* A logger that writes into a pipe which the spec reads. */
struct llogger {
    struct logger *logger;
    int ends[2];
};

static const char *const level_names[] = {"debug", "info", "warn", "error",
                                          NULL};

/* The field stays on the stack, so that its bytes live. */
static struct slice slice_field(lua_State *L, const char *key)
{
    struct slice s = {0};

    lua_getfield(L, 1, key);
    s.p = lua_tolstring(L, -1, &s.n);
    return s;
}

/* The table at 1 as a line that borrows from it. */
static struct log_line check_line(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "level");
    int level = luaL_checkoption(L, -1, "info", level_names);

    return (struct log_line){
        .level = (enum log_level)level,
        .message = slice_field(L, "message"),
        .class_name = slice_field(L, "class"),
        .name = slice_field(L, "name"),
        .id = slice_field(L, "id"),
        .fields = slice_field(L, "fields"),
        .trace = slice_field(L, "trace"),
    };
}

static int push_text(lua_State *L, struct buf *text)
{
    lua_pushlstring(L, text->p, text->n);
    buf_fini(text);
    return 1;
}

/* json(line, ms) -> text */
static int l_json(lua_State *L)
{
    struct log_line line = check_line(L);
    struct buf text = {0};

    logtext_json(&line, luaL_checkinteger(L, 2), &text);
    return push_text(L, &text);
}

/* readable(line, ms, coloured) -> text */
static int l_readable(lua_State *L)
{
    bool is_coloured = lua_toboolean(L, 3);
    struct log_line line = check_line(L);
    struct buf text = {0};

    logtext_readable(&line, luaL_checkinteger(L, 2), is_coloured, &text);
    return push_text(L, &text);
}

/* nearest(word, words) -> word or nil */
static int l_nearest(lua_State *L)
{
    const char *word = luaL_checkstring(L, 1);
    size_t count = (size_t)luaL_len(L, 2);
    const char **words = lua_newuserdatauv(L, (count + 1) * sizeof(*words), 0);

    for (size_t i = 0; i < count; i++) {
        lua_geti(L, 2, (lua_Integer)i + 1);
        words[i] = luaL_checkstring(L, -1);
    }
    lua_pushstring(L, nearest_word(word, words, count));
    return 1;
}

static struct llogger *check_logger(lua_State *L, int arg)
{
    return luaL_checkudata(L, arg, LOGGER_MT);
}

/* logger(lowest) -> logger that writes JSON lines into a pipe */
static int l_logger(lua_State *L)
{
    int lowest = luaL_checkoption(L, 1, "debug", level_names);
    struct llogger *u = lua_newuserdatauv(L, sizeof(*u), 0);

    *u = (struct llogger){.ends = {-1, -1}};
    luaL_setmetatable(L, LOGGER_MT);
    if (pipe2(u->ends, O_CLOEXEC) != 0)
        return luaL_error(L, "no pipe");
    fcntl(u->ends[0], F_SETFL, O_NONBLOCK);
    u->logger = logger_new(u->ends[1], LOG_JSON, (enum log_level)lowest,
                           clock_system());
    return 1;
}

/* write(line, logger, times) */
static int l_write(lua_State *L)
{
    struct llogger *u = check_logger(L, 2);
    lua_Integer times = luaL_optinteger(L, 3, 1);
    struct log_line line = check_line(L);

    for (lua_Integer i = 0; i < times; i++)
        logger_write(u->logger, &line);
    return 0;
}

/* print(text, logger): through logger_printf */
static int l_print(lua_State *L)
{
    logger_printf(check_logger(L, 2)->logger, LOG_INFO, "%s of %d",
                  luaL_checkstring(L, 1), 7);
    return 0;
}

/* read(logger) -> what is in the pipe now, "" when nothing is */
static int l_read(lua_State *L)
{
    struct llogger *u = check_logger(L, 1);
    char part[65536];
    ssize_t n = read(u->ends[0], part, sizeof(part));

    lua_pushlstring(L, part, n > 0 ? (size_t)n : 0);
    return 1;
}

/* free(logger): what is still in the pipe can be read */
static int l_free(lua_State *L)
{
    struct llogger *u = check_logger(L, 1);

    logger_free(u->logger);
    u->logger = NULL;
    return 0;
}

static int logger_gc(lua_State *L)
{
    struct llogger *u = check_logger(L, 1);

    logger_free(u->logger);
    u->logger = NULL;
    for (int i = 0; i < 2; i++) {
        if (u->ends[i] >= 0)
            close(u->ends[i]);
        u->ends[i] = -1;
    }
    return 0;
}

static const luaL_Reg functions[] = {
    {"json", l_json},     {"readable", l_readable}, {"nearest", l_nearest},
    {"logger", l_logger}, {"write", l_write},       {"print", l_print},
    {"read", l_read},     {"free", l_free},         {NULL, NULL},
};

int luaopen_hosttest_logline(lua_State *L)
{
    luaL_newmetatable(L, LOGGER_MT);
    lua_pushcfunction(L, logger_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
