#include "object/idle.h"

#include "base/must.h"
#include "object/object.h"
#include "store/db.h"

enum { RETRY_EVICT_MS = 100, REST_MS = 2000 };

static void on_idle_tick(struct timer *t);

static void arm_idle(struct realm *r, uint64_t ms)
{
    uint64_t due = realm_now_ns(r) + ms * 1000000;

    if (!timer_is_waiting(&r->idle_timer) || due < r->idle_timer.due_ns)
        timer_start(&r->timers, &r->idle_timer, ms, on_idle_tick);
}

/* What happens first to an object that is idle: it rests, or sleeps. */
static uint64_t first_ms(const struct realm *r)
{
    uint64_t idle_ms = r->config.limits.idle_ms;

    return idle_ms < REST_MS ? idle_ms : REST_MS;
}

static struct object *first_of(struct list *list)
{
    return container_of(list->next, struct object, idle_link);
}

void idle_end(struct object *o)
{
    list_unlink(&o->idle_link);
}

/* What it wrote need not be on disk: the store takes back what is lost of an
 * object that sleeps, and the directory then has its alarm again. */
static void sleep_now(struct object *o)
{
    o->realm->now_ns = 0; /* on nobody's account */
    object_unload(o);
    object_free_if_done(o);
}

void idle_settle(struct object *o)
{
    struct realm *r = o->realm;

    if (object_free_if_done(o) || o->state == OBJECT_ASLEEP ||
        !object_is_idle(o))
        return;
    if (o->woken_by_alarm) {
        sleep_now(o);
        return;
    }
    o->idle_since_ns = realm_now_ns(r);
    list_push(&r->idle, &o->idle_link);
    arm_idle(r, first_ms(r));
}

/* ---- eviction ---- */

/* Call `act` for those in `list` that are idle since `since_ns` or before. */
static void each_older(struct realm *r, struct list *list, uint64_t since_ns,
                       void (*act)(struct realm *r, struct object *o))
{
    struct list *link = list->next;

    while (link != list) {
        struct object *o = container_of(link, struct object, idle_link);

        link = link->next;
        if (o->idle_since_ns > since_ns)
            break;
        act(r, o);
    }
}

/* A commit that is not durable yet may still have to be undone. */
static bool is_durable(const struct realm *r, const struct object *o)
{
    return o->db == NULL || db_last_commit(o->db) <= r->gate.durable;
}

static void evict(struct realm *r, struct object *o)
{
    if (o->cls != NULL && is_durable(r, o))
        object_evict(o);
}

/* A router rests too, but is never evicted. */
static void rest(struct realm *r, struct object *o)
{
    object_rest(o);
    list_unlink(&o->idle_link);
    if (o->cls != NULL)
        list_push(&r->resting, &o->idle_link);
}

/* Milliseconds until the first of `list` is idle for `wait_ns`. */
static uint64_t left_ms(struct list *list, uint64_t now, uint64_t wait_ns)
{
    if (list_empty(list))
        return UINT64_MAX;
    uint64_t due = first_of(list)->idle_since_ns + wait_ns;

    return due > now ? (due - now) / 1000000 + 1 : RETRY_EVICT_MS;
}

static void on_idle_tick(struct timer *t)
{
    const uint64_t rest_ns = (uint64_t)REST_MS * 1000000;
    struct realm *r = container_of(t, struct realm, idle_timer);
    uint64_t idle_ns = r->config.limits.idle_ms * 1000000;
    uint64_t now = clock_mono_ns(r->config.clock);

    if (now >= idle_ns) {
        each_older(r, &r->resting, now - idle_ns, evict);
        each_older(r, &r->idle, now - idle_ns, evict);
    }
    if (now >= rest_ns)
        each_older(r, &r->idle, now - rest_ns, rest);
    uint64_t until_first = left_ms(&r->idle, now, first_ms(r) * 1000000);
    uint64_t until_evict = left_ms(&r->resting, now, idle_ns);

    if (until_first != UINT64_MAX || until_evict != UINT64_MAX)
        arm_idle(r, until_first < until_evict ? until_first : until_evict);
}

void realm_evict_idle(struct realm *r)
{
    each_older(r, &r->resting, UINT64_MAX, evict);
    each_older(r, &r->idle, UINT64_MAX, evict);
}
