#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>

#include "vm/tables.h"
#include "vm/task.h"
#include "vm/vm.h"

/*
 * table.sort: runs of RUN elements by binary insertion on the Lua stack, then
 * bottom-up merges between two scratch tables, then the result goes back into
 * the table.  Stable, at most n log2 n comparisons whatever the comparator
 * answers, and every step is a point where it can stop: between two steps the
 * whole state is in struct sort and on the stack.
 */

/* The stack.  The elements of a run begin at BASE; in a merge the first
 * elements of both sides are at LEFT and RIGHT. */
enum { TABLE = 1, LESS, SORT_STATE, FROM, TO, BASE, LEFT = BASE, RIGHT };

enum { RUN = 32 };

enum phase { PHASE_INSERT, PHASE_MERGE, PHASE_BACK };

enum { PAUSED, COMPARED }; /* what the continuation goes on after */

enum move { MOVE_ON, MOVE_ASK, MOVE_DONE };

struct sort {
    lua_Integer n;
    lua_Integer begin;       /* of the run or pair at hand, from 1 */
    lua_Integer width;       /* of the sorted parts in FROM */
    lua_Integer left, right; /* places in FROM of what is at LEFT and RIGHT */
    lua_Integer at;          /* the next place in TO, or in TABLE */
    int low, high;           /* the new element belongs into [low, high] */
    int count;               /* sorted elements of the run on the stack */
    int steps;               /* until the next charge */
    enum phase phase;
    bool has_new; /* an element is being inserted: it is on top */
    bool is_kept; /* is the userdata at SORT_STATE */
};

static lua_Integer part_end(const struct sort *s, lua_Integer parts)
{
    lua_Integer end = s->begin + parts * s->width;

    return end <= s->n ? end : s->n + 1;
}

static void swap_tables(lua_State *L)
{
    lua_pushvalue(L, FROM);
    lua_copy(L, TO, FROM);
    lua_replace(L, TO);
}

/* Begin to merge the pair at s->begin, or the next round of merges. */
static void begin_pair(lua_State *L, struct sort *s)
{
    if (s->begin > s->n) {
        swap_tables(L);
        s->begin = 1;
        s->width *= 2;
    }
    s->at = s->begin;
    s->left = s->begin;
    s->right = part_end(s, 1);
    lua_settop(L, BASE - 1);
    if (s->width >= s->n) {
        s->phase = PHASE_BACK;
        return;
    }
    lua_rawgeti(L, FROM, s->left);
    lua_rawgeti(L, FROM, s->right); /* nil when there is no right side */
}

/* The run on the stack is sorted: put it where it belongs. */
static enum move store_run(lua_State *L, struct sort *s)
{
    bool is_all = s->n <= RUN;

    for (int i = s->count; i > 0; i--)
        if (is_all)
            lua_seti(L, TABLE, i);
        else
            lua_rawseti(L, FROM, s->begin + i - 1);
    s->steps -= s->count;
    s->begin += s->count;
    s->count = 0;
    if (is_all)
        return MOVE_DONE;
    if (s->begin > s->n) {
        s->phase = PHASE_MERGE;
        s->begin = 1;
        begin_pair(L, s);
    }
    return MOVE_ON;
}

static enum move insert_step(lua_State *L, struct sort *s)
{
    if (s->has_new && s->low < s->high)
        return MOVE_ASK;
    if (s->has_new) {
        if (s->low < s->count)
            lua_insert(L, BASE + s->low);
        s->count++;
        s->has_new = false;
    }
    if (s->count == RUN || s->begin + s->count > s->n)
        return store_run(L, s);
    lua_geti(L, TABLE, s->begin + s->count);
    s->low = 0;
    s->high = s->count;
    s->has_new = true;
    return MOVE_ON;
}

/* Move the first of one side to TO and fetch the next. */
static void take(lua_State *L, struct sort *s, int side)
{
    lua_Integer *place = side == LEFT ? &s->left : &s->right;

    lua_pushvalue(L, side);
    lua_rawseti(L, TO, s->at++);
    lua_rawgeti(L, FROM, ++*place);
    lua_replace(L, side);
}

static enum move merge_step(lua_State *L, struct sort *s)
{
    lua_Integer middle = part_end(s, 1);
    lua_Integer end = part_end(s, 2);

    if (s->left < middle && s->right < end)
        return MOVE_ASK;
    if (s->left < middle) {
        take(L, s, LEFT);
    } else if (s->right < end) {
        take(L, s, RIGHT);
    } else {
        s->begin = end;
        begin_pair(L, s);
    }
    return MOVE_ON;
}

static enum move back_step(lua_State *L, struct sort *s)
{
    if (s->at > s->n)
        return MOVE_DONE;
    lua_rawgeti(L, FROM, s->at);
    lua_seti(L, TABLE, s->at++);
    return MOVE_ON;
}

static enum move next_move(lua_State *L, struct sort *s)
{
    s->steps--;
    switch (s->phase) {
    case PHASE_INSERT:
        return insert_step(L, s);
    case PHASE_MERGE:
        return merge_step(L, s);
    default:
        return back_step(L, s);
    }
}

/* Whether the later of the two elements is to go before the earlier one. */
static void answer(lua_State *L, struct sort *s, bool is_less)
{
    if (s->phase == PHASE_MERGE)
        take(L, s, is_less ? RIGHT : LEFT);
    else if (is_less)
        s->high = (s->low + s->high) / 2;
    else
        s->low = (s->low + s->high) / 2 + 1;
}

static int sort_k(lua_State *L, int status, lua_KContext ctx);

static void ask(lua_State *L, struct sort *s)
{
    int later = s->phase == PHASE_MERGE ? RIGHT : BASE + s->count;
    int earlier =
        s->phase == PHASE_MERGE ? LEFT : BASE + (s->low + s->high) / 2;

    if (lua_isnil(L, LESS)) {
        if (lua_type(L, later) == LUA_TSTRING)
            s->steps -= (int)(lua_rawlen(L, later) / 64 % TABLE_SLICE);
        answer(L, s, lua_compare(L, later, earlier, LUA_OPLT));
        return;
    }
    lua_pushvalue(L, LESS);
    lua_pushvalue(L, later);
    lua_pushvalue(L, earlier);
    lua_callk(L, 2, 1, COMPARED, sort_k); /* s is kept: see tables_sort */
    bool is_less = lua_toboolean(L, -1);
    lua_pop(L, 1);
    answer(L, s, is_less);
}

static int pause_sort(lua_State *L, const struct sort *s)
{
    if (!s->is_kept) {
        struct sort *kept = lua_newuserdatauv(L, sizeof(*kept), 0);
        *kept = *s;
        kept->is_kept = true;
        lua_replace(L, SORT_STATE);
    }
    return task_preempt(L, PAUSED, sort_k);
}

static int sort_go(lua_State *L, struct sort *s)
{
    for (;;) {
        if (s->steps <= 0) {
            s->steps = TABLE_SLICE;
            if (vm_charge(L, TABLE_SLICE) && lua_isyieldable(L))
                return pause_sort(L, s);
        }
        enum move move = next_move(L, s);
        if (move == MOVE_ASK)
            ask(L, s);
        else if (move == MOVE_DONE)
            break;
    }
    vm_charge(L, (uint64_t)(TABLE_SLICE - s->steps));
    return 0;
}

static int sort_k(lua_State *L, int status, lua_KContext ctx)
{
    struct sort *s = lua_touserdata(L, SORT_STATE);

    (void)status;
    if (ctx == COMPARED) {
        bool is_less = lua_toboolean(L, -1);
        lua_pop(L, 1);
        answer(L, s, is_less);
    }
    return sort_go(L, s);
}

static int sort_start(lua_State *L, struct sort *s, lua_Integer n, bool is_kept)
{
    int size = n > RUN ? (int)n : 0;

    *s = (struct sort){.n = n,
                       .begin = 1,
                       .width = RUN,
                       .steps = TABLE_SLICE,
                       .is_kept = is_kept};
    if (size == 0) {
        lua_settop(L, TO);
    } else {
        lua_createtable(L, size, 0);
        lua_createtable(L, size, 0);
    }
    luaL_checkstack(L, RUN + LUA_MINSTACK, NULL);
    return sort_go(L, s);
}

/*
 * table.sort(t [, less])
 *
 * As stock Lua, but stable; `less` may wait, and one that contradicts itself
 * gives some order.  When it raises, `t` is as before.
 */
int tables_sort(lua_State *L)
{
    struct sort here;
    lua_Integer n = tables_length(L, TABLE, TABLE_READ | TABLE_WRITE);

    if (n < 2)
        return 0;
    luaL_argcheck(L, n < INT_MAX, 1, "array too big");
    if (!lua_isnoneornil(L, LESS))
        luaL_checktype(L, LESS, LUA_TFUNCTION);
    lua_settop(L, LESS);
    if (lua_isnil(L, LESS)) {
        lua_pushnil(L); /* SORT_STATE */
        return sort_start(L, &here, n, false);
    }
    return sort_start(L, lua_newuserdatauv(L, sizeof(here), 0), n, true);
}
