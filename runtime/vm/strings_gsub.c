#include <ctype.h>
#include <lauxlib.h>
#include <lua.h>

#include "vm/strings.h"
#include "vm/task.h"
#include "vm/text.h"
#include "vm/vm.h"

/* The stack; what match_init pushes comes after. */
enum { SUBJECT = 1, PATTERN, REPLACEMENT, LIMIT, STATE, BOX, SEARCH };
enum { RESUMED, CALLED }; /* what the continuation goes on after */

/* A gsub under way.  On the C stack until it has to outlive its C frame, then
 * in the userdata at STATE.  The search is apart from it, on the C stack too
 * unless it was paused in the middle (then it is the userdata at SEARCH): it is
 * large, and between two matches it can be made anew. */
struct gsub {
    struct text out;
    const char *copied;      /* the subject is in `out` up to here */
    const char *start, *end; /* the match that the function is called for */
    lua_Integer count, max;
    int type; /* of the replacement */
    bool is_kept;
    bool is_changed;
};

static struct gsub *keep(lua_State *L, struct gsub *g)
{
    if (g->is_kept)
        return g;
    struct gsub *kept = lua_newuserdatauv(L, sizeof(*kept), 0);
    g->is_kept = true;
    *kept = *g;
    lua_replace(L, STATE);
    return kept;
}

static void add(lua_State *L, struct gsub *g, const char *p, size_t n)
{
    if (n > 1024)
        vm_charge(L, n / 16);
    text_add(L, &g->out, p, n);
}

static void add_capture(lua_State *L, struct gsub *g, struct match *m, int i)
{
    struct slice s = match_capture(m, i);

    if (s.p != NULL) {
        add(L, g, s.p, s.n);
        return;
    }
    lua_pushinteger(L, (lua_Integer)s.n);
    s.p = lua_tolstring(L, -1, &s.n);
    add(L, g, s.p, s.n);
    lua_pop(L, 1);
}

/* Add the replacement string, with its %0 to %9 filled in. */
static void add_string(lua_State *L, struct gsub *g, struct match *m)
{
    size_t n;
    const char *p = lua_tolstring(L, REPLACEMENT, &n);
    const char *end = p + n;

    for (;;) {
        const char *mark = memchr(p, '%', (size_t)(end - p));
        if (mark == NULL)
            break;
        add(L, g, p, (size_t)(mark - p));
        int c = (unsigned char)mark[1];
        if (c == '%')
            add(L, g, "%", 1);
        else if (c == '0')
            add(L, g, m->start, (size_t)(m->s - m->start));
        else if (isdigit(c))
            add_capture(L, g, m, c - '1');
        else
            luaL_error(L, "invalid use of '%%' in replacement string");
        p = mark + 2;
    }
    add(L, g, p, (size_t)(end - p));
    g->is_changed = true;
}

/* Add what the table or the function gave, and pop it. */
static void add_answer(lua_State *L, struct gsub *g)
{
    size_t n;

    if (!lua_toboolean(L, -1)) {
        add(L, g, g->start, (size_t)(g->end - g->start));
        lua_pop(L, 1);
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    const char *p = lua_tolstring(L, -1, &n);
    add(L, g, p, n);
    lua_pop(L, 1);
    g->is_changed = true;
}

/* The replacement is in `out`.  False when there is nothing more to look for.
 */
static bool go_behind(struct gsub *g, struct match *m)
{
    g->copied = m->s;
    match_again(m);
    return !m->is_anchored;
}

static int finish(lua_State *L, struct gsub *g, const struct match *m)
{
    strings_charge_rest(L, m);
    if (g->is_changed) {
        add(L, g, g->copied, (size_t)(m->src_end - g->copied));
        text_push(L, &g->out);
    } else {
        lua_pushvalue(L, SUBJECT);
    }
    lua_pushinteger(L, g->count);
    return 2;
}

static int gsub_k(lua_State *L, int status, lua_KContext ctx);

static void replace(lua_State *L, struct gsub *g, struct match *m)
{
    if (g->type == LUA_TFUNCTION) {
        lua_pushvalue(L, REPLACEMENT);
        int n = match_push_captures(m, true);
        lua_callk(L, n, 1, CALLED, gsub_k); /* g is kept: see strings_gsub */
        add_answer(L, g);
    } else if (g->type == LUA_TTABLE) {
        match_push_capture(m, 0);
        lua_gettable(L, REPLACEMENT);
        add_answer(L, g);
    } else {
        add_string(L, g, m);
    }
}

static int pause_gsub(lua_State *L, struct gsub *g, const struct match *m)
{
    keep(L, g);
    if (lua_isnil(L, SEARCH)) {
        strings_save(L, m);
        lua_replace(L, SEARCH);
    }
    return task_preempt(L, RESUMED, gsub_k);
}

static int gsub_go(lua_State *L, struct gsub *g, struct match *m)
{
    while (g->count < g->max) {
        enum match_status got = strings_search(L, m);
        if (got == MATCH_PAUSE)
            return pause_gsub(L, g, m);
        if (got == MATCH_NONE)
            break;
        g->count++;
        g->start = m->start;
        g->end = m->s;
        add(L, g, g->copied, (size_t)(m->start - g->copied));
        replace(L, g, m);
        if (!go_behind(g, m))
            break;
    }
    return finish(L, g, m);
}

static void init_match(lua_State *L, struct match *m, const char *at)
{
    struct slice s, pattern;

    s.p = lua_tolstring(L, SUBJECT, &s.n);
    pattern.p = lua_tolstring(L, PATTERN, &pattern.n);
    match_init(m, L, s, pattern, at == NULL ? 0 : (size_t)(at - s.p), true);
}

static int gsub_k(lua_State *L, int status, lua_KContext ctx)
{
    struct match here, *m = lua_touserdata(L, SEARCH);
    struct gsub *g = lua_touserdata(L, STATE);

    (void)status;
    if (ctx == CALLED)
        add_answer(L, g);
    if (m == NULL) {
        m = &here;
        init_match(L, m, g->end);
        m->s = g->end;
    }
    if (ctx == CALLED && !go_behind(g, m))
        return finish(L, g, m);
    return gsub_go(L, g, m);
}

static int gsub_start(lua_State *L, struct gsub *g, lua_Integer max, int type)
{
    struct match m;

    lua_pushnil(L); /* BOX */
    lua_pushnil(L); /* SEARCH */
    text_init(&g->out, BOX);
    init_match(L, &m, NULL);
    g->copied = m.src;
    g->count = 0;
    g->max = max;
    g->type = type;
    g->is_changed = false;
    return gsub_go(L, g, &m);
}

/*
 * string.gsub(s, pattern, replacement [, n]) -> string, count
 *
 * As stock Lua, but that a replacement function may wait.
 */
int strings_gsub(lua_State *L)
{
    size_t n;
    struct gsub here;
    int type = lua_type(L, REPLACEMENT);

    luaL_checklstring(L, SUBJECT, &n);
    luaL_checklstring(L, PATTERN, NULL);
    lua_Integer max = luaL_optinteger(L, LIMIT, (lua_Integer)n + 1);
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING ||
                         type == LUA_TFUNCTION || type == LUA_TTABLE,
                     REPLACEMENT, "string/function/table");
    lua_settop(L, LIMIT);
    if (type != LUA_TFUNCTION) {
        lua_pushnil(L); /* STATE */
        here.is_kept = false;
        return gsub_start(L, &here, max, type);
    }
    struct gsub *g = lua_newuserdatauv(L, sizeof(*g), 0);
    g->is_kept = true;
    return gsub_start(L, g, max, type);
}
