#include "vm/pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lua.h>

#include "vm/pattern_item.h"

enum kind {
    UNDO_OPEN,   /* forget the capture begun last */
    UNDO_CLOSE,  /* the capture is open again */
    CHOICE_SKIP, /* go on at `end` from s */
    CHOICE_GIVE, /* a greedy run gives back one character */
    CHOICE_TAKE  /* a lazy run takes one more */
};

enum step { STEP_ON, STEP_FAIL, STEP_DONE };

static const char *set_end(struct match *m, const char *p)
{
    if (*p == '^')
        p++;
    do { /* a ] in the first place belongs to the set */
        if (p == m->pat_end)
            luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pat_end)
            p++;
    } while (*p != ']');
    return p + 1;
}

/* Where the single-character item at `p` ends. */
static inline const char *item_end(struct match *m, const char *p)
{
    if (*p == '%') {
        if (p + 1 == m->pat_end)
            luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 2;
    }
    return *p == '[' ? set_end(m, p + 1) : p + 1;
}

/* Steps that looking at one item is worth: a set is read from its begin. */
static inline int weight(const char *p, const char *end)
{
    size_t n = (size_t)(end - p) / 16;

    return n < MATCH_SLICE ? (int)n : MATCH_SLICE;
}

static inline struct choice *choices(struct match *m)
{
    return m->many != NULL ? m->many : m->few;
}

static inline struct choice *push(struct match *m, int kind)
{
    struct choice *c = &choices(m)[m->depth++];

    c->kind = kind;
    return c;
}

static enum step open_capture(struct match *m)
{
    if (m->level >= MATCH_CAPTURES_MAX)
        luaL_error(m->L, "too many captures");
    bool is_position = m->p[1] == ')';
    m->capture[m->level++] =
        (struct capture){m->s, is_position ? CAPTURE_POSITION : CAPTURE_OPEN};
    m->p += is_position ? 2 : 1;
    if (m->depth != 0)
        push(m, UNDO_OPEN);
    return STEP_ON;
}

static enum step close_capture(struct match *m)
{
    int i = m->level - 1;

    while (i >= 0 && m->capture[i].len != CAPTURE_OPEN)
        i--;
    if (i < 0)
        luaL_error(m->L, "invalid pattern capture");
    m->capture[i].len = m->s - m->capture[i].at;
    m->p++;
    if (m->depth != 0)
        push(m, UNDO_CLOSE)->capture = i;
    return STEP_ON;
}

static enum step back_reference(struct match *m)
{
    int i = m->p[1] - '1';

    if (i < 0 || i >= m->level || m->capture[i].len == CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index %%%d", i + 1);
    ptrdiff_t n = m->capture[i].len;
    if (n < 0 || m->src_end - m->s < n ||
        memcmp(m->capture[i].at, m->s, (size_t)n) != 0)
        return STEP_FAIL;
    m->left -= (int)(n / 64 < MATCH_SLICE ? n / 64 : MATCH_SLICE);
    m->s += n;
    m->p += 2;
    return STEP_ON;
}

static enum step frontier(struct match *m)
{
    const char *set = m->p + 2;

    if (*set != '[')
        luaL_error(m->L, "missing '[' after '%%f' in pattern");
    const char *end = item_end(m, set);
    int before = m->s == m->src ? 0 : byte_at(m->s - 1);
    int after = m->s == m->src_end ? 0 : byte_at(m->s);
    if (match_set(before, set, end - 1) || !match_set(after, set, end - 1))
        return STEP_FAIL;
    m->p = end;
    return STEP_ON;
}

static enum step begin_balance(struct match *m)
{
    if (m->pat_end - m->p < 4)
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (m->s == m->src_end || *m->s != m->p[2])
        return STEP_FAIL;
    m->nest = 1;
    m->s++;
    m->mode = MODE_BALANCE;
    return STEP_ON;
}

/* One character inside of %bxy. */
static enum step balance(struct match *m)
{
    if (m->s == m->src_end)
        return STEP_FAIL;
    char c = *m->s++;
    if (c == m->p[3]) {
        if (--m->nest == 0) {
            m->p += 4;
            m->mode = MODE_STEP;
        }
    } else if (c == m->p[2]) {
        m->nest++;
    }
    return STEP_ON;
}

/* Leave the greedy run on top of the choices with `count` characters. */
static void end_run(struct match *m, struct choice *c)
{
    m->s = c->s + c->count;
    m->p = c->end + 1;
    if (c->count == 0)
        m->depth--;
    m->mode = MODE_STEP;
}

/* Make the greedy run on top as long as it gets in the steps that are left. */
static enum step run(struct match *m)
{
    struct choice *c = &choices(m)[m->depth - 1];
    size_t rest = (size_t)(m->src_end - c->s);
    int cost = 1 + weight(c->item, c->end);
    size_t stop = c->count + 1 + (size_t)(m->left < 0 ? 0 : m->left / cost);
    size_t n = c->count;

    if (*c->item == '.') {
        c->count = rest;
        end_run(m, c);
        return STEP_ON;
    }
    if (stop > rest)
        stop = rest;
    while (n < stop && match_item(byte_at(c->s + n), c->item, c->end))
        n++;
    m->left -= (int)(n - c->count) * cost;
    c->count = n;
    if (n < stop || n == rest)
        end_run(m, c);
    return STEP_ON;
}

static enum step begin_run(struct match *m, const char *end, const char *s)
{
    struct choice *c = push(m, CHOICE_GIVE);

    c->item = m->p;
    c->end = end;
    c->s = s;
    c->count = 0;
    m->mode = MODE_RUN;
    return run(m);
}

/* A single-character item with what follows it. */
static inline enum step item(struct match *m)
{
    const char *end = item_end(m, m->p);
    bool hit = m->s < m->src_end && match_item(byte_at(m->s), m->p, end);
    struct choice *c;

    m->left -= weight(m->p, end);
    switch (*end) {
    case '*':
        if (hit)
            return begin_run(m, end, m->s);
        m->p = end + 1;
        return STEP_ON;
    case '+':
        return hit ? begin_run(m, end, m->s + 1) : STEP_FAIL;
    case '?':
    case '-':
        if (hit) {
            c = push(m, *end == '-' ? CHOICE_TAKE : CHOICE_SKIP);
            c->item = m->p;
            c->end = end;
            c->s = m->s;
            m->s += *end == '?';
        }
        m->p = end + 1;
        return STEP_ON;
    default:
        m->s++;
        m->p = end;
        return hit ? STEP_ON : STEP_FAIL;
    }
}

/* Whether the byte at `p` stands for itself, once. */
static inline bool is_literal(const char *p)
{
    switch (*p) {
    case '(':
    case ')':
    case '$':
    case '%':
    case '.':
    case '[':
        return false;
    default:
        return p[1] != '*' && p[1] != '+' && p[1] != '?' && p[1] != '-';
    }
}

/* Literals in a row are worth a loop of their own: paths, prefixes. */
static enum step literals(struct match *m)
{
    const char *s = m->s;
    const char *p = m->p;
    bool hit = true;

    while (hit && p < m->pat_end && is_literal(p)) {
        hit = s < m->src_end && *s == *p;
        s++;
        p++;
    }
    size_t n = (size_t)(p - m->p) / 8;
    m->left -= n < MATCH_SLICE ? (int)n : MATCH_SLICE;
    m->s = s;
    m->p = p;
    return hit ? STEP_ON : STEP_FAIL;
}

static inline enum step forward(struct match *m)
{
    if (m->p == m->pat_end)
        return STEP_DONE;
    if (is_literal(m->p))
        return literals(m);
    switch (*m->p) {
    case '(':
        return open_capture(m);
    case ')':
        return close_capture(m);
    case '$':
        if (m->p + 1 != m->pat_end)
            return item(m);
        return m->s == m->src_end ? STEP_DONE : STEP_FAIL;
    case '%':
        if (m->p[1] == 'b')
            return begin_balance(m);
        if (m->p[1] == 'f')
            return frontier(m);
        return isdigit(byte_at(m->p + 1)) ? back_reference(m) : item(m);
    default:
        return item(m);
    }
}

static bool take_one(struct match *m, struct choice *c)
{
    if (c->s == m->src_end || !match_item(byte_at(c->s), c->item, c->end))
        return false;
    m->left -= weight(c->item, c->end);
    c->s++;
    m->s = c->s;
    m->p = c->end + 1;
    return true;
}

/* Undo the last choice; true when there is another way to try. */
static bool retry(struct match *m, struct choice *c)
{
    switch (c->kind) {
    case UNDO_OPEN:
        m->level--;
        break;
    case UNDO_CLOSE:
        m->capture[c->capture].len = CAPTURE_OPEN;
        break;
    case CHOICE_SKIP:
        m->s = c->s;
        m->p = c->end + 1;
        m->depth--;
        return true;
    case CHOICE_GIVE:
        c->count--;
        end_run(m, c);
        return true;
    default:
        if (take_one(m, c))
            return true;
        break;
    }
    m->depth--;
    return false;
}

static bool backtrack(struct match *m)
{
    m->mode = MODE_STEP;
    while (m->depth > 0)
        if (retry(m, &choices(m)[m->depth - 1]))
            return true;
    return false;
}

/* Begin an attempt at m->start, or at the next place that can match. */
static bool begin(struct match *m)
{
    if (m->first >= 0 && !m->is_anchored) {
        size_t n = (size_t)(m->src_end - m->start);
        const char *at = memchr(m->start, m->first, n);
        if (at == NULL)
            return false;
        /* memchr reads about 32 bytes in the time of a step. */
        n = (size_t)(at - m->start) / 32;
        m->left -= (int)(n < MATCH_SLICE ? n : MATCH_SLICE);
        m->start = at;
    }
    m->s = m->start;
    m->p = m->pat;
    m->level = 0;
    m->depth = 0;
    m->mode = MODE_STEP;
    return true;
}

/* The attempt failed, or found what is not wanted. */
static bool next_start(struct match *m)
{
    if (m->is_anchored || m->start >= m->src_end)
        return false;
    m->start++;
    return begin(m);
}

static inline enum step step(struct match *m)
{
    if (m->mode == MODE_STEP)
        return forward(m);
    if (m->mode == MODE_RUN)
        return run(m);
    return balance(m);
}

enum match_status match_run(struct match *m)
{
    if (m->left <= 0)
        m->left = MATCH_SLICE;
    if (m->mode == MODE_BEGIN && !begin(m))
        return MATCH_NONE;
    for (;;) {
        enum step got = step(m);
        if (got == STEP_DONE) {
            if (m->s != m->last)
                return MATCH_FOUND;
            if (!next_start(m))
                return MATCH_NONE;
        } else if (got == STEP_FAIL && !backtrack(m) && !next_start(m)) {
            return MATCH_NONE;
        }
        if (--m->left <= 0)
            return MATCH_PAUSE;
    }
}
