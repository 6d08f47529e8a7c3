#include "object/target.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/event.h"
#include "object/object.h"
#include "object/realm.h"

/* ---- references ---- */

struct target *target_new(struct object *o, bool is_function)
{
    struct realm *r = o->realm;
    struct target *t = mem_zalloc(sizeof(*t));

    MUST(o->vm != NULL);
    atomic_init(&t->refs, 1);
    t->host = r->config.host_arg;
    t->lost = r->config.host->target_lost;
    t->number = ++r->target_count;
    t->is_function = is_function;
    t->has_oid = o->cls != NULL;
    t->oid = o->id;
    t->object = o;
    list_init(&t->link);
    list_push(&o->targets, &t->link);
    HASH_ADD(hh, r->targets, number, sizeof(t->number), t);
    if (o->targets_n++ == 0)
        object_keep(o);
    return t;
}

struct target *target_hold(struct target *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void target_drop(struct target *t)
{
    /* Once ours is gone the target may be as well. */
    void (*lost)(void *host, uint64_t number) = t->lost;
    void *host = t->host;
    uint64_t number = t->number;
    unsigned before =
        atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel);

    if (before == 2)
        lost(host, number);
    else if (before == 1)
        free(t);
}

/* ---- at the home ---- */

struct target *target_find(const struct realm *r, uint64_t number)
{
    struct target *t = NULL;

    HASH_FIND(hh, r->targets, &number, sizeof(number), t);
    return t;
}

void targets_trim(struct realm *r)
{
    TABLE_TRIM(hh, r->targets);
}

/* The home's reference goes. */
static void end(struct target *t)
{
    HASH_DEL(t->object->realm->targets, t);
    list_unlink(&t->link);
    t->object->targets_n--;
    t->object = NULL;
    target_drop(t);
}

void target_lost(struct realm *r, uint64_t number)
{
    struct target *t = target_find(r, number);

    if (t == NULL || atomic_load(&t->refs) != 1)
        return;
    struct object *o = t->object;

    r->config.script->forget(o, number);
    end(t);
    if (o->targets_n == 0)
        object_let_go(o);
}

static void fail(struct event *e)
{
    event_fail(e, "reset",
               "the object that this function or target is part of was reset "
               "or evicted",
               false);
    event_finish(e);
}

void target_deliver(struct realm *r, struct event *e)
{
    struct target *t = target_find(r, e->target);

    if (t == NULL)
        fail(e);
    else
        realm_deliver_to(t->object, e);
}

static void take_calls(struct object *o, struct list *calls)
{
    struct list *link = o->mailbox.next;

    while (link != &o->mailbox) {
        struct event *e = container_of(link, struct event, link);

        link = link->next;
        if (e->target == 0)
            continue;
        list_unlink(&e->link);
        list_push(calls, &e->link);
        o->mailbox_n--;
    }
}

void target_end_all(struct object *o, struct list *calls)
{
    struct list *link = o->targets.next;

    if (o->targets_n != 0)
        take_calls(o, calls);
    while (link != &o->targets) {
        struct target *t = container_of(link, struct target, link);

        link = link->next;
        end(t);
    }
}

void target_fail(struct list *calls)
{
    struct list *link;

    while ((link = list_shift(calls)) != NULL)
        fail(container_of(link, struct event, link));
}

/* ---- on the way ---- */

uint32_t targets_add(struct targets *s, struct target *t)
{
    /* Full whenever their number is a power of 2, or 0. */
    if ((s->n & (s->n - 1)) == 0) {
        size_t room = s->n == 0 ? 1 : 2 * (size_t)s->n;

        s->items = mem_realloc(s->items, room * sizeof(struct target *));
    }
    s->items[s->n] = t;
    return s->n++;
}

struct target *targets_at(const struct targets *s, uint32_t place)
{
    return place < s->n ? s->items[place] : NULL;
}

struct target *targets_take(struct targets *s, uint32_t place)
{
    struct target *t = targets_at(s, place);

    if (t != NULL)
        s->items[place] = NULL;
    return t;
}

void targets_fini(struct targets *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->items[i] != NULL)
            target_drop(s->items[i]);
    }
    if (s->items != NULL)
        free(s->items);
    *s = (struct targets){0};
}
