#include "vm/arena.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"

enum {
    PAGE = 4096,
    UNIT = 16,
    SMALL = 1024, /* up to here a class for each unit */
    STEPS = 4,    /* classes between two powers of 2, above */
    CLASSES = SMALL / UNIT + 1 + STEPS * 40,
    LARGE = 1 << 20, /* pages of what is given back go to the system */
    PLACES = 1024,
};

/* Hashes look at the lower 32 bits of an address: an arena begins where they
 * are 0. */
#define ROOM  ((size_t)16 << 30)
#define FIRST ((uintptr_t)0x200000000000)

struct piece {
    struct piece *next;
};

struct arena {
    char *begin;
    size_t used;
    void *mapped; /* what to unmap, and how much */
    size_t mapped_n;
    int place; /* -1: none of its own */
    struct piece *free[CLASSES];
};

/* ---- places ---- */

static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t places[PLACES]; /* 1: taken, or not to be had */

static int map_flags(void)
{
    return MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
}

static bool map_place(struct arena *a, int place)
{
    void *want = (void *)(FIRST + (uintptr_t)place * ROOM);
    void *got = mmap(want, ROOM, PROT_READ | PROT_WRITE, map_flags(), -1, 0);

    if (got == MAP_FAILED)
        return false;
    if (got != want) { /* something else is there */
        munmap(got, ROOM);
        return false;
    }
    a->begin = a->mapped = got;
    a->mapped_n = ROOM;
    a->place = place;
    return true;
}

static bool take_place(struct arena *a)
{
    bool is_had = false;

    pthread_mutex_lock(&places_lock);
    for (int i = 0; i < PLACES && !is_had; i++) {
        if (places[i] != 0)
            continue;
        places[i] = 1;
        is_had = map_place(a, i);
        if (!is_had)
            break; /* the next ones will not be had either */
    }
    pthread_mutex_unlock(&places_lock);
    return is_had;
}

static bool take_elsewhere(struct arena *a)
{
    const size_t align = (size_t)1 << 32;
    size_t n = ROOM + align;
    void *got = mmap(NULL, n, PROT_READ | PROT_WRITE, map_flags(), -1, 0);

    if (got == MAP_FAILED)
        return false;
    a->mapped = got;
    a->mapped_n = n;
    a->begin = (char *)(((uintptr_t)got + align - 1) / align * align);
    a->place = -1;
    return true;
}

struct arena *arena_new(void)
{
    struct arena *a = mem_zalloc(sizeof(*a));

    if (take_place(a) || take_elsewhere(a))
        return a;
    free(a);
    return NULL;
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    munmap(a->mapped, a->mapped_n);
    if (a->place >= 0) {
        pthread_mutex_lock(&places_lock);
        places[a->place] = 0;
        pthread_mutex_unlock(&places_lock);
    }
    free(a);
}

/* ---- pieces ---- */

/* The class of `n`, and in `*size` what its pieces have. */
static int class_of(size_t n, size_t *size)
{
    if (n <= SMALL) {
        *size = n == 0 ? UNIT : (n + UNIT - 1) / UNIT * UNIT;
        return (int)(*size / UNIT);
    }
    int power = 63 - __builtin_clzll((unsigned long long)(n - 1));
    size_t step = ((size_t)1 << power) / STEPS;
    size_t over = (n - 1 - ((size_t)1 << power)) / step;

    *size = ((size_t)1 << power) + (over + 1) * step;
    return SMALL / UNIT + 1 + (power - 10) * STEPS + (int)over;
}

void *arena_take(struct arena *a, size_t n)
{
    size_t size;
    int class = class_of(n, &size);
    struct piece *p = a->free[class];

    if (p != NULL) {
        a->free[class] = p->next;
        return p;
    }
    size_t align = size >= PAGE ? PAGE : UNIT;
    size_t at = (a->used + align - 1) / align * align;

    if (size > ROOM - at)
        return NULL;
    a->used = at + size;
    return a->begin + at;
}

/* The first page has the link. */
static void discard(char *p, size_t size)
{
    madvise(p + PAGE, size - PAGE, MADV_DONTNEED);
}

void arena_give(struct arena *a, void *p, size_t n)
{
    struct piece *piece = p;
    size_t size;

    if (p == NULL)
        return;
    int class = class_of(n, &size);
    if (size >= LARGE)
        discard(p, size);
    piece->next = a->free[class];
    a->free[class] = piece;
}

void *arena_resize(struct arena *a, void *p, size_t old, size_t n)
{
    size_t before, after;

    if (p != NULL && class_of(old, &before) == class_of(n, &after))
        return p;
    void *q = arena_take(a, n);
    if (q == NULL || p == NULL)
        return q;
    memcpy(q, p, old < n ? old : n);
    arena_give(a, p, old);
    return q;
}
