#include <lauxlib.h>
#include <lua.h>

#include "vm/strings.h"
#include "vm/task.h"
#include "vm/vm.h"

enum { UP_SUBJECT = 1, UP_PATTERN, UP_PLACE }; /* of the iterator */

struct place {
    size_t at;   /* where the next match may begin */
    size_t last; /* where the last one ended; SIZE_MAX before the first */
};

static int give(lua_State *L, struct match *m, enum match_status got)
{
    strings_charge_rest(L, m);
    if (got == MATCH_NONE)
        return 0;
    struct place *w = lua_touserdata(L, lua_upvalueindex(UP_PLACE));
    w->at = w->last = (size_t)(m->s - m->src);
    return match_push_captures(m, true);
}

static int next_k(lua_State *L, int status, lua_KContext ctx)
{
    struct match *m = lua_touserdata(L, -1); /* as left by next_match */
    enum match_status got = strings_search(L, m);

    (void)status;
    if (got == MATCH_PAUSE)
        return task_preempt(L, ctx, next_k);
    return give(L, m, got);
}

/* The iterator: () -> captures... | nothing. */
static int next_match(lua_State *L)
{
    const struct place *w = lua_touserdata(L, lua_upvalueindex(UP_PLACE));
    struct slice s, pattern;
    struct match m;

    s.p = lua_tolstring(L, lua_upvalueindex(UP_SUBJECT), &s.n);
    pattern.p = lua_tolstring(L, lua_upvalueindex(UP_PATTERN), &pattern.n);
    if (w->at > s.n)
        return 0;
    match_init(&m, L, s, pattern, w->at, false);
    if (w->last != SIZE_MAX)
        m.last = s.p + w->last;
    enum match_status got = strings_search(L, &m);
    if (got != MATCH_PAUSE)
        return give(L, &m, got);
    strings_save(L, &m);
    return task_preempt(L, 0, next_k);
}

/* string.gmatch(s, pattern [, init]) -> iterator.  As stock Lua. */
int strings_gmatch(lua_State *L)
{
    size_t n;

    luaL_checklstring(L, 1, &n);
    luaL_checklstring(L, 2, NULL);
    size_t at = strings_init(L, 3, n);
    lua_settop(L, 2);
    struct place *w = lua_newuserdatauv(L, sizeof(*w), 0);
    w->at = at;
    w->last = SIZE_MAX;
    lua_pushcclosure(L, next_match, 3);
    return 1;
}
