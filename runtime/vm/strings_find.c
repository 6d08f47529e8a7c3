#include <lauxlib.h>
#include <lua.h>

#include "vm/strings.h"
#include "vm/task.h"
#include "vm/vm.h"

enum { FIND, MATCH };

enum { SIMPLE_MAX = 256, WINDOW = 64 * 1024 }; /* bytes, of plain searches */

enum match_status strings_search(lua_State *L, struct match *m)
{
    for (;;) {
        enum match_status got = match_run(m);
        if (got != MATCH_PAUSE)
            return got;
        if (vm_charge(L, MATCH_SLICE) && lua_isyieldable(L))
            return MATCH_PAUSE;
    }
}

void strings_charge_rest(lua_State *L, const struct match *m)
{
    vm_charge(L, (uint64_t)(MATCH_SLICE - m->left));
}

struct match *strings_save(lua_State *L, const struct match *m)
{
    struct match *saved = lua_newuserdatauv(L, sizeof(*saved), 0);

    *saved = *m;
    return saved;
}

size_t strings_init(lua_State *L, int arg, size_t len)
{
    lua_Integer at = luaL_optinteger(L, arg, 1);

    if (at > 0)
        return (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)len)
        return 0;
    return len - (size_t)-at;
}

static int give_result(lua_State *L, struct match *m, enum match_status got,
                       int what)
{
    strings_charge_rest(L, m);
    if (got == MATCH_NONE) {
        luaL_pushfail(L);
        return 1;
    }
    if (what == MATCH)
        return match_push_captures(m, true);
    lua_pushinteger(L, m->start - m->src + 1);
    lua_pushinteger(L, m->s - m->src);
    return 2 + match_push_captures(m, false);
}

static int search_k(lua_State *L, int status, lua_KContext what)
{
    struct match *m = lua_touserdata(L, -1); /* as left by search */
    enum match_status got = strings_search(L, m);

    (void)status;
    if (got == MATCH_PAUSE)
        return task_preempt(L, what, search_k);
    return give_result(L, m, got, (int)what);
}

static int search(lua_State *L, struct slice subject, struct slice pattern,
                  size_t at, int what)
{
    struct match m;

    match_init(&m, L, subject, pattern, at, true);
    enum match_status got = strings_search(L, &m);
    if (got != MATCH_PAUSE)
        return give_result(L, &m, got, what);
    strings_save(L, &m);
    return task_preempt(L, what, search_k);
}

/* memchr and memcmp: the fastest for short subjects, quadratic for others. */
static const char *find_simple(struct slice s, struct slice what)
{
    const char *p = s.p;
    const char *end = s.p + s.n - what.n + 1; /* of where it can begin */

    while (p < end) {
        p = memchr(p, what.p[0], (size_t)(end - p));
        if (p == NULL || memcmp(p, what.p, what.n) == 0)
            return p;
        p++;
    }
    return NULL;
}

static int give_plain(lua_State *L, size_t at, size_t n)
{
    size_t end = at + n;

    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_pushinteger(L, (lua_Integer)end);
    return 2;
}

/* Search from byte `ctx` on.  memmem is linear but for a factor bounded by a
 * short pattern; the subject goes through it in windows that overlap. */
static int plain_k(lua_State *L, int status, lua_KContext ctx)
{
    struct slice s, what;
    size_t at = (size_t)ctx;

    (void)status;
    s.p = lua_tolstring(L, 1, &s.n);
    what.p = lua_tolstring(L, 2, &what.n);
    size_t window = what.n > WINDOW / 2 ? 2 * what.n : WINDOW;
    while (s.n - at >= what.n) {
        size_t n = s.n - at < window ? s.n - at : window;
        const char *p = memmem(s.p + at, n, what.p, what.n);
        bool others = vm_charge(L, n / 8);
        if (p != NULL)
            return give_plain(L, (size_t)(p - s.p), what.n);
        if (n == s.n - at)
            break;
        at += n - what.n + 1;
        if (others && lua_isyieldable(L))
            return task_preempt(L, (intptr_t)at, plain_k);
    }
    luaL_pushfail(L);
    return 1;
}

static int find_plain(lua_State *L, struct slice s, struct slice what,
                      size_t at)
{
    size_t n = s.n - at;

    if (what.n == 0)
        return give_plain(L, at, 0);
    if (n > SIMPLE_MAX && what.n <= n)
        return plain_k(L, LUA_OK, (lua_KContext)at);
    const char *p =
        what.n > n ? NULL : find_simple((struct slice){s.p + at, n}, what);
    vm_charge(L, n / 8);
    if (p != NULL)
        return give_plain(L, (size_t)(p - s.p), what.n);
    luaL_pushfail(L);
    return 1;
}

/* A lone ) is none: stock Lua searches for it as it is. */
static bool has_specials(struct slice pattern)
{
    for (size_t i = 0; i < pattern.n; i++)
        switch (pattern.p[i]) {
        case '^':
        case '$':
        case '*':
        case '+':
        case '?':
        case '.':
        case '(':
        case '[':
        case '%':
        case '-':
            return true;
        default:
            break;
        }
    return false;
}

static int find_or_match(lua_State *L, int what)
{
    struct slice s, pattern;

    s.p = luaL_checklstring(L, 1, &s.n);
    pattern.p = luaL_checklstring(L, 2, &pattern.n);
    size_t at = strings_init(L, 3, s.n);
    if (at > s.n) {
        luaL_pushfail(L);
        return 1;
    }
    if (what == FIND && (lua_toboolean(L, 4) || !has_specials(pattern)))
        return find_plain(L, s, pattern, at);
    return search(L, s, pattern, at, what);
}

/* string.find(s, pattern [, init [, plain]]) -> first, last, captures... | nil.
 * As stock Lua; never "pattern too complex". */
int strings_find(lua_State *L)
{
    return find_or_match(L, FIND);
}

/* string.match(s, pattern [, init]) -> captures... | nil.  As stock Lua. */
int strings_match(lua_State *L)
{
    return find_or_match(L, MATCH);
}
