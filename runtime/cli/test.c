/*
 * test.c - `moonkeep test`: busted, run inside the program, where specs find
 * the module moonkeep.test.
 *
 * busted and its modules are the system's (lua-busted); those in C find the Lua
 * of this program, which it exports (lua.symbols).
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/face.h"
#include "vm/hashseed.h"

enum { HASH_SEED = 1 }; /* any number, but always the same */

struct request {
    int argc;
    char **argv;
    bool has_busted;
};

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Where specs are when nobody says it: busted's own default is spec/, or what
 * .busted says. */
static bool looks_here(const struct request *r)
{
    for (int i = 0; i < r->argc; i++) {
        if (r->argv[i][0] != '-')
            return false;
    }
    return !is_folder("spec") && !is_file(".busted");
}

static void add_word(lua_State *L, const char *word)
{
    lua_pushstring(L, word);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* The global `arg`, as busted's own script has it.  A `lua` in .busted names
 * another interpreter, which would not be us. */
static void set_arguments(lua_State *L, const struct request *r)
{
    lua_newtable(L);
    lua_pushliteral(L, "moonkeep test");
    lua_rawseti(L, -2, 0);
    add_word(L, "--ignore-lua");
    for (int i = 0; i < r->argc; i++)
        add_word(L, r->argv[i]);
    if (looks_here(r))
        add_word(L, ".");
    lua_setglobal(L, "arg");
}

static void set_module(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_moonkeep_test);
    lua_setfield(L, -2, "moonkeep.test");
    lua_pop(L, 1);
}

/* The caller's name tells busted that it is not run by a spec itself. */
static const char script[] =
    "return require('busted.runner')({ standalone = false })";

static int run_busted(lua_State *L)
{
    struct request *r = lua_touserdata(L, 1);

    luaL_openlibs(L);
    set_module(L);
    set_arguments(L, r);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "busted.runner");
    r->has_busted = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!r->has_busted)
        return lua_error(L);
    if (luaL_loadbufferx(L, script, sizeof(script) - 1, "@moonkeep test",
                         "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

static int explain(lua_State *L)
{
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

static int report(const struct command *self, lua_State *L,
                  const struct request *r)
{
    const char *text = lua_tostring(L, -1);

    if (!r->has_busted && text != NULL &&
        strstr(text, "module 'busted.runner' not found") != NULL)
        return command_failed(
            self, "busted, which runs the specs, is not installed for Lua "
                  "5.4; Debian and Ubuntu have it: apt install lua-busted");
    return command_failed(self, "%s", text == NULL ? "out of memory" : text);
}

static void *allocate(void *ud, void *p, size_t old, size_t size)
{
    (void)ud, (void)old;
    if (size != 0)
        return realloc(p, size);
    free(p);
    return NULL;
}

/* Failures of specs end the process in busted, with exit code 1. */
static int test_run(const struct command *self, int argc, char **argv)
{
    struct request r = {.argc = argc, .argv = argv};
    /* What a spec writes in the order of pairs is the same in each run, as it
     * is in the worlds. */
    lua_State *L = hashseed_new_state(allocate, NULL, HASH_SEED);

    if (L == NULL)
        return command_failed(self, "out of memory");
    lua_pushcfunction(L, explain);
    lua_pushcfunction(L, run_busted);
    lua_pushlightuserdata(L, &r);
    int code = EXIT_OK;
    if (lua_pcall(L, 1, 0, 1) != LUA_OK)
        code = report(self, L, &r);
    lua_close(L);
    return code;
}

static const char details[] =
    "Runs the specs of an app with busted (Debian: lua-busted).  They find "
    "the\n"
    "module moonkeep.test, which has worlds: a whole Moonkeep in memory, with\n"
    "a clock that is moved by hand.\n\n"
    "  PATH              specs, or folders in which files *_spec.lua are;\n"
    "                    default: what .busted says, else spec/, else the\n"
    "                    current folder\n"
    "  OPTION            as busted takes it: --filter=TEXT, --tags=TAG,\n"
    "                    --output=TAP, --verbose, --list ...\n\n"
    "Example:\n"
    "  moonkeep test spec --filter=alarm\n";

const struct command test_command = {
    .name = "test",
    .summary = "run the specs of an app",
    .usage = "test [PATH...] [OPTION...]",
    .details = details,
    .run = test_run,
};
