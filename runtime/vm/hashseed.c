#include "vm/hashseed.h"

#include <lua.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ROOM = 16384, WORD = sizeof(uintptr_t), TRIES = 4 };

/* A state that is made only so far that its seed is there. */
struct probe {
    char *first; /* its first piece of memory */
    size_t n;
    char copy[ROOM]; /* how that was when the second was asked for */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static size_t place; /* of the seed in the first piece; 0: not found */

/* lua_Alloc of a probe: one piece, and no more. */
static void *take_once(void *ud, void *p, size_t old, size_t size)
{
    struct probe *probe = ud;

    (void)old;
    if (size == 0 || p != NULL)
        return NULL;
    if (probe->n == 0 && size <= ROOM) {
        probe->n = size;
        return probe->first;
    }
    memcpy(probe->copy, probe->first, probe->n);
    return NULL;
}

/* Never inlined: the states keep the address of a C frame. */
__attribute__((noinline)) static void make(struct probe *probe, char *at)
{
    memset(at, 0, ROOM);
    probe->first = at;
    probe->n = 0;
    lua_newstate(take_once, probe);
}

static uintptr_t word_at(const char *p)
{
    uintptr_t w;

    memcpy(&w, p, WORD);
    return w;
}

/* The one word that differs and is no pointer into the piece or to the probe,
 * if half of it is the same; 0: there is none, or several. */
static size_t find(const struct probe *a, const struct probe *b)
{
    uintptr_t distance = (uintptr_t)b->first - (uintptr_t)a->first;
    size_t found = 0;
    int count = 0;

    for (size_t at = 0; at + WORD <= a->n; at += WORD) {
        uintptr_t x = word_at(a->copy + at);
        uintptr_t y = word_at(b->copy + at);

        if (x == y || y - x == distance ||
            (x == (uintptr_t)a && y == (uintptr_t)b))
            continue;
        found = x >> 32 == y >> 32 ? at : 0;
        count++;
    }
    return count == 1 ? found : 0;
}

/* Two seeds may be the same by chance. */
static void look(void)
{
    struct probe *both = mem_alloc(2 * sizeof(*both));
    char *memory = mem_alloc(3 * ROOM);

    for (int i = 0; i < TRIES && place == 0; i++) {
        make(&both[0], memory);
        make(&both[1], memory + ROOM + (i + 1) * 512);
        place = both[0].n == both[1].n ? find(&both[0], &both[1]) : 0;
    }
    free(memory);
    free(both);
}

bool hashseed_is_known(void)
{
    pthread_once(&once, look);
    return place != 0;
}

/* ---- a state with a seed ---- */

struct maker {
    lua_Alloc allocate;
    void *arg;
    char *first;
    uint32_t seed;
    bool is_set;
};

/* lua_Alloc: between the first two requests Lua has made its seed, and no
 * string yet. */
static void *take(void *ud, void *p, size_t old, size_t size)
{
    struct maker *m = ud;

    if (m->first != NULL && !m->is_set) {
        memcpy(m->first + place, &m->seed, sizeof(m->seed));
        m->is_set = true;
    }
    void *q = m->allocate(m->arg, p, old, size);
    if (m->first == NULL)
        m->first = q;
    return q;
}

lua_State *hashseed_new_state(lua_Alloc allocate, void *arg, uint32_t seed)
{
    struct maker m = {.allocate = allocate, .arg = arg, .seed = seed};

    if (!hashseed_is_known())
        return lua_newstate(allocate, arg);
    lua_State *L = lua_newstate(take, &m);
    if (L != NULL)
        lua_setallocf(L, allocate, arg);
    return L;
}
