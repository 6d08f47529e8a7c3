#include "cli/lint.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/parts.h"
#include "vm/embedded.h"

struct request {
    const char *main_path;
    const struct script_listing *listing;
};

/* core.library: array of the texts of lua/library. */
static void push_core(lua_State *L)
{
    const struct embedded *e = embedded_library_files;

    lua_newtable(L);
    lua_newtable(L);
    for (int i = 1; e->name != NULL; i++, e++) {
        lua_pushlstring(L, (const char *)e->bytes, e->size);
        lua_rawseti(L, -2, i);
    }
    lua_setfield(L, -2, "library");
}

static void set_names(lua_State *L, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, names[i]);
    }
}

/* Class -> name of a handler or method -> true. */
static void push_classes(lua_State *L, const struct script_listing *listing)
{
    lua_newtable(L);
    for (size_t i = 0; i < listing->class_count; i++) {
        const struct script_class *c = &listing->classes[i];

        lua_newtable(L);
        set_names(L, c->handlers, c->handler_count);
        set_names(L, c->methods, c->method_count);
        lua_setfield(L, -2, c->name);
    }
}

/* Leaves the array of warnings on the stack. */
static int look(lua_State *L)
{
    const struct request *r = lua_touserdata(L, 1);

    luaL_openlibs(L);
    push_core(L);
    parts_open(L, embedded_check_files, "check");
    lua_pushstring(L, r->main_path);
    push_classes(L, r->listing);
    lua_call(L, 2, 1);
    return 1;
}

static char *copy_field(lua_State *L, const char *name)
{
    size_t n;

    lua_getfield(L, -1, name);
    const char *text = lua_tolstring(L, -1, &n);
    char *copy = mem_dup(text, n);

    lua_pop(L, 1);
    return copy;
}

/* Of the array on top, which is ours: strings and integers. */
static void take(lua_State *L, struct lint *out)
{
    size_t n = lua_rawlen(L, -1);

    out->warnings = mem_zalloc((n + 1) * sizeof(*out->warnings));
    for (size_t i = 0; i < n; i++) {
        struct lint_warning *w = &out->warnings[out->count++];

        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        w->file = copy_field(L, "file");
        w->text = copy_field(L, "text");
        lua_getfield(L, -1, "line");
        w->line = (long)lua_tointeger(L, -1);
        lua_pop(L, 2);
    }
}

int lint_run(const char *main_path, const struct script_listing *listing,
             struct lint *out, struct error *err)
{
    struct request r = {main_path, listing};
    lua_State *L = luaL_newstate();

    *out = (struct lint){0};
    if (L == NULL)
        return error_set(err, ERR_NOMEM, "out of memory");
    lua_pushcfunction(L, look);
    lua_pushlightuserdata(L, &r);
    int rc = lua_pcall(L, 1, 1, 0);
    if (rc == LUA_OK)
        take(L, out);
    else
        rc = error_set(err, ERR_LUA, "%s", lua_tostring(L, -1));
    lua_close(L);
    return rc;
}

void lint_fini(struct lint *lint)
{
    for (size_t i = 0; i < lint->count; i++) {
        free(lint->warnings[i].file);
        free(lint->warnings[i].text);
    }
    free(lint->warnings);
    *lint = (struct lint){0};
}
