#include "store/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CAP_FIRST = 8, CAP_KEPT = 64 };

struct page *page_new(void)
{
    struct page *p = mem_alloc(sizeof(*p));

    atomic_init(&p->refs, 1);
    p->epoch = 0;
    p->bytes = mem_alloc(STORE_PAGE);
    return p;
}

struct page *page_hold(struct page *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

/* Nobody else has it any more. */
static bool is_last(struct page *p)
{
    return p != NULL &&
           atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1;
}

static void page_free(struct page *p)
{
    free(p->bytes);
    free(p);
}

void page_drop(struct page *p)
{
    if (is_last(p))
        page_free(p);
}

struct page *page_take(struct page_pool *pool)
{
    if (pool->n == 0)
        return page_new();
    struct page *p = pool->pages[--pool->n];

    atomic_store_explicit(&p->refs, 1, memory_order_relaxed);
    p->epoch = 0;
    return p;
}

void page_give(struct page_pool *pool, struct page *p)
{
    if (!is_last(p))
        return;
    if (pool->n == PAGE_POOL_MAX)
        page_free(p);
    else
        pool->pages[pool->n++] = p;
}

void page_pool_fini(struct page_pool *pool)
{
    while (pool->n != 0)
        page_free(pool->pages[--pool->n]);
}

/* The slot of `number`, or the empty one where it would go. */
static uint32_t slot_of(const struct overlay *o, uint32_t number)
{
    uint32_t i = number & (o->cap - 1);

    while (o->slots[i].number != 0 && o->slots[i].number != number)
        i = (i + 1) & (o->cap - 1);
    return i;
}

struct page *overlay_get(const struct overlay *o, uint32_t number)
{
    return o->count == 0 ? NULL : o->slots[slot_of(o, number)].page;
}

bool overlay_has(const struct overlay *o, uint32_t number)
{
    return o->count != 0 && o->slots[slot_of(o, number)].number == number;
}

static void grow(struct overlay *o)
{
    struct overlay old = *o;

    o->cap = old.cap == 0 ? CAP_FIRST : old.cap * 2;
    o->slots = mem_zalloc(o->cap * sizeof(*o->slots));
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slots[i].number != 0)
            o->slots[slot_of(o, old.slots[i].number)] = old.slots[i];
    free(old.slots);
}

struct page *overlay_put(struct overlay *o, uint32_t number, struct page *p)
{
    if ((o->count + 1) * 4 > o->cap * 3)
        grow(o);
    struct overlay_slot *slot = &o->slots[slot_of(o, number)];
    struct page *old = slot->page;
    if (slot->number == 0)
        o->count++;
    *slot = (struct overlay_slot){number, p};
    return old;
}

/* Close the gap at `i`, so that no later member of its run is cut off. */
static void close_gap(struct overlay *o, uint32_t i)
{
    uint32_t mask = o->cap - 1;

    for (uint32_t j = (i + 1) & mask; o->slots[j].number != 0;
         j = (j + 1) & mask) {
        uint32_t home = o->slots[j].number & mask;

        if (((j - home) & mask) < ((j - i) & mask))
            continue;
        o->slots[i] = o->slots[j];
        i = j;
    }
    o->slots[i] = (struct overlay_slot){0, NULL};
}

struct page *overlay_take(struct overlay *o, uint32_t number)
{
    if (o->count == 0)
        return NULL;
    uint32_t i = slot_of(o, number);
    struct page *p = o->slots[i].page;
    if (o->slots[i].number == 0)
        return NULL;
    o->count--;
    close_gap(o, i);
    return p;
}

void overlay_clear(struct overlay *o)
{
    if (o->cap > CAP_KEPT) {
        overlay_fini(o);
        return;
    }
    for (uint32_t i = 0; o->count != 0 && i < o->cap; i++)
        page_drop(o->slots[i].page);
    if (o->count != 0)
        memset(o->slots, 0, o->cap * sizeof(*o->slots));
    o->count = 0;
}

void overlay_fini(struct overlay *o)
{
    for (uint32_t i = 0; i < o->cap; i++)
        page_drop(o->slots[i].page);
    free(o->slots);
    *o = (struct overlay){0};
}
