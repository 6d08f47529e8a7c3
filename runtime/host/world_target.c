#include "host/world_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/world_inside.h"

/* In the midst of anything. */
static void on_lost(void *host, uint64_t number)
{
    struct world *w = host;

    buf_add(&w->lost, &number, sizeof(number));
}

static void make_room(struct world *w)
{
    if (w->target_n < w->target_cap)
        return;
    w->target_cap = w->target_cap == 0 ? 16 : 2 * w->target_cap;
    w->targets =
        mem_realloc(w->targets, w->target_cap * sizeof(struct target *));
}

struct target *world_target_new(struct world *w, bool is_function)
{
    if (w->targets_held == TARGETS_MAX)
        return NULL;
    make_room(w);
    struct target *t = mem_zalloc(sizeof(*t));

    atomic_init(&t->refs, 2);
    t->host = w;
    t->lost = on_lost;
    t->is_function = is_function;
    list_init(&t->link);
    w->targets[w->target_n++] = t;
    t->number = w->target_n;
    w->targets_held++;
    return t;
}

uint64_t world_target_number(const struct world *w, const struct target *t)
{
    return t->host == w ? t->number : 0;
}

/* The home's reference goes if it is the last one. */
static bool forget(struct world *w, uint64_t number)
{
    struct target *t = w->targets[number - 1];

    if (t == NULL || atomic_load(&t->refs) != 1)
        return false;
    w->targets[number - 1] = NULL;
    w->targets_held--;
    target_drop(t);
    return true;
}

uint64_t world_target_lost(struct world *w)
{
    uint64_t number;

    while (w->lost.n != 0) {
        w->lost.n -= sizeof(number);
        memcpy(&number, w->lost.p + w->lost.n, sizeof(number));
        if (forget(w, number))
            return number;
    }
    return 0;
}

void world_targets_drop(struct world *w)
{
    for (size_t i = 0; i < w->target_n; i++)
        forget(w, i + 1);
    MUST(w->targets_held == 0);
    free(w->targets);
    w->targets = NULL;
    w->target_n = w->target_cap = 0;
    buf_fini(&w->lost);
}

void world_ref_init(struct world *w, struct world_ref *r, struct target *t)
{
    r->target = t;
    list_init(&r->link);
    list_push(&w->refs, &r->link);
}

void world_ref_release(struct world_ref *r)
{
    struct target *t = r->target;

    if (t == NULL)
        return;
    r->target = NULL;
    list_unlink(&r->link);
    target_drop(t);
}

void world_refs_drop(struct world *w)
{
    while (!list_empty(&w->refs))
        world_ref_release(container_of(w->refs.next, struct world_ref, link));
}
