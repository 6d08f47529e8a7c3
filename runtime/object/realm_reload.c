/* realm_reload.c - how the objects of a realm go over to a new version of the
 * script.
 *
 *   idle -----------------------------------------------> unloaded
 *   busy --look: what they wait for is let in--> idle --> unloaded
 *      '--patience is over-------------------------------> reset
 *
 * The next event wakes them with the new version.  A router that is busy is one
 * of the old ones until it is done; the new one takes what comes.
 */
#include "base/must.h"
#include "object/chain.h"
#include "object/event.h"
#include "object/object.h"
#include "object/socket.h"
#include "vm/code.h"

enum {
    LOOK_MS = 50,   /* so often those that are busy are looked at */
    OWN_MS = 1000,  /* so long tasks of its own hold up what has come */
    ROUTERS_MAX = 8 /* older ones that are not done yet */
};

static const char updated[] =
    "Durable Object reset because its code was updated.";

static const struct object_reset by_update = {
    .text = updated, .retryable = true, .keeps_sockets = true};

static void wait_for(struct object *o);

/* Somebody waits for it, and it for tasks that nobody waits for. */
static bool is_held_up(const struct object *o)
{
    const struct list *link;

    if (o->mailbox_n == 0)
        return false;
    for (link = o->events.next; link != &o->events; link = link->next) {
        if (container_of(link, struct event, link)->kind != EVENT_TASK)
            return false;
    }
    return true;
}

static void on_look(struct timer *t)
{
    struct object *o = container_of(t, struct object, patience);
    struct realm *r = o->realm;
    uint64_t now = clock_mono_ns(r->config.clock);
    bool is_over =
        now >= r->patience_end_ns ||
        (is_held_up(o) &&
         now >= r->reloaded_ns + (uint64_t)OWN_MS * UINT64_C(1000000));

    if (is_over) {
        object_reset(o, &by_update);
        return;
    }
    chain_look_old(o);
    wait_for(o);
}

static void wait_for(struct object *o)
{
    struct realm *r = o->realm;
    uint64_t now = clock_mono_ns(r->config.clock);
    uint64_t left =
        r->patience_end_ns > now ? (r->patience_end_ns - now) / 1000000 + 1 : 0;

    timer_start(&r->timers, &o->patience, left < LOOK_MS ? left : LOOK_MS,
                on_look);
}

/* ---- the router ---- */

/* What waits in its mailbox goes to the new one, in order; but for calls of its
 * functions. */
static void hand_on_mail(struct object *old, struct object *fresh)
{
    struct list *link = old->mailbox.next;

    while (link != &old->mailbox) {
        struct event *e = container_of(link, struct event, link);

        link = link->next;
        if (e->target != 0)
            continue;
        list_unlink(&e->link);
        list_push(&fresh->mailbox, &e->link);
        old->mailbox_n--;
        fresh->mailbox_n++;
    }
}

/* Tasks without an end must not pile up from version to version. */
static void reset_oldest(struct realm *r)
{
    struct list *link;
    size_t n = 0;

    for (link = r->routers.next; link != &r->routers; link = link->next)
        n++;
    if (n > ROUTERS_MAX)
        object_reset(container_of(r->routers.next, struct object, router_link),
                     &by_update);
}

static void retire_router(struct realm *r)
{
    struct object *old = r->router;

    r->router = NULL;
    if (old == NULL)
        return;
    if (old->mailbox_n != 0) {
        r->router = object_new(r, NULL, NULL, (struct slice){0});
        hand_on_mail(old, r->router);
        realm_schedule(r, r->router);
    }
    list_push(&r->routers, &old->router_link);
    sockets_retire(old);
    realm_schedule(r, old);
    reset_oldest(r);
}

/* ---- all of it ---- */

static void retire(struct object *o)
{
    if (o->state == OBJECT_ASLEEP)
        return;
    if (o->events_n != 0) {
        sockets_retire(o);
        wait_for(o);
    }
    realm_schedule(o->realm, o);
}

void realm_reload(struct realm *r, struct code *code, uint64_t patience_ms)
{
    struct object *o;
    struct object *next;

    r->version++;
    r->reloaded_ns = clock_mono_ns(r->config.clock);
    r->patience_end_ns = r->reloaded_ns + patience_ms * 1000000;
    code_hold(code);
    code_drop(r->config.code);
    r->config.code = code;
    retire_router(r);
    HASH_ITER(hh, r->objects, o, next)
    retire(o);
}
