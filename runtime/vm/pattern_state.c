#include <lauxlib.h>
#include <lua.h>

#include "vm/pattern.h"
#include "vm/pattern_item.h"

/* Whether the item that `c` begins or ends may leave a choice open. */
static bool is_choice(char c)
{
    switch (c) {
    case '(':
    case ')':
    case '*':
    case '+':
    case '-':
    case '?':
    case '\0':
        return true;
    default:
        return false;
    }
}

/* Memory for the choices that the pattern can need: at most one for each item,
 * as an item never stands twice on the way to the end of the pattern. */
static void push_choices(struct match *m, struct slice pattern)
{
    size_t n = 0;

    if (pattern.n > MATCH_CHOICES)
        for (size_t i = 0; i < pattern.n; i++)
            n += is_choice(pattern.p[i]);
    m->many = n <= MATCH_CHOICES
                  ? NULL
                  : lua_newuserdatauv(m->L, n * sizeof(*m->many), 0);
    if (m->many == NULL)
        lua_pushnil(m->L);
}

/* The byte that every match of the pattern at `p` begins with, or -1. */
static int first_byte(const char *p, const char *end)
{
    if (p == end || strchr("$*+?.([%-)", *p) != NULL)
        return -1;
    return p[1] == '*' || p[1] == '?' || p[1] == '-' ? -1 : byte_at(p);
}

void match_init(struct match *m, lua_State *L, struct slice subject,
                struct slice pattern, size_t at, bool may_anchor)
{
    bool is_anchored = may_anchor && pattern.n > 0 && pattern.p[0] == '^';

    m->L = L;
    m->src = subject.p;
    m->src_end = subject.p + subject.n;
    m->pat = pattern.p + is_anchored;
    m->pat_end = pattern.p + pattern.n;
    m->start = subject.p + at;
    m->last = NULL;
    m->mode = MODE_BEGIN;
    m->left = MATCH_SLICE;
    m->first = first_byte(m->pat, m->pat_end);
    m->is_anchored = is_anchored;
    push_choices(m, pattern);
}

void match_again(struct match *m)
{
    m->start = m->last = m->s;
    m->mode = MODE_BEGIN;
}

struct slice match_capture(struct match *m, int i)
{
    if (i >= m->level) {
        if (i != 0)
            luaL_error(m->L, "invalid capture index %%%d", i + 1);
        return (struct slice){m->start, (size_t)(m->s - m->start)};
    }
    const struct capture *c = &m->capture[i];
    if (c->len == CAPTURE_OPEN)
        luaL_error(m->L, "unfinished capture");
    if (c->len == CAPTURE_POSITION)
        return (struct slice){NULL, (size_t)(c->at - m->src) + 1};
    return (struct slice){c->at, (size_t)c->len};
}

void match_push_capture(struct match *m, int i)
{
    struct slice s = match_capture(m, i);

    if (s.p == NULL)
        lua_pushinteger(m->L, (lua_Integer)s.n);
    else
        lua_pushlstring(m->L, s.p, s.n);
}

int match_push_captures(struct match *m, bool whole)
{
    int n = m->level == 0 && whole ? 1 : m->level;

    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        match_push_capture(m, i);
    return n;
}
