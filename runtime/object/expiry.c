#include "object/expiry.h"

#include "base/must.h"

#define LIMIT_MIN_NS 2000000000u

void expiries_init(struct expiries *es, struct timers *timers,
                   uint64_t limit_ns)
{
    uint64_t limit = limit_ns < LIMIT_MIN_NS ? LIMIT_MIN_NS : limit_ns;
    uint64_t span = limit + limit / 8;

    *es = (struct expiries){.timers = timers, .armed = UINT64_MAX};
    /* Room for what is due now and for what is late. */
    while (span >> es->shift >= EXPIRY_SLOTS - 4)
        es->shift++;
    for (int i = 0; i < EXPIRY_SLOTS; i++)
        list_init(&es->slots[i]);
}

static void expire(struct expiries *es, struct list *slot, uint64_t now)
{
    struct list passed;
    struct list *link;

    list_init(&passed);
    list_join(&passed, slot);
    while ((link = list_shift(&passed)) != NULL) {
        struct expiry *x = container_of(link, struct expiry, link);

        if (x->piece >= now)
            list_push(&es->slots[x->piece % EXPIRY_SLOTS], &x->link);
        else
            x->passed(x);
    }
}

static void arm_next(struct expiries *es)
{
    for (uint64_t piece = es->at; piece < es->at + EXPIRY_SLOTS; piece++) {
        if (!list_empty(&es->slots[piece % EXPIRY_SLOTS])) {
            expiries_arm(es, piece);
            return;
        }
    }
}

static void on_due(struct timer *t)
{
    struct expiries *es = container_of(t, struct expiries, timer);
    uint64_t now = clock_mono_ns(es->timers->clock) >> es->shift;
    /* Once round is enough, however much time has passed. */
    uint64_t from =
        es->armed + EXPIRY_SLOTS < now ? now - EXPIRY_SLOTS : es->armed;

    /* What is started meanwhile goes to slots that are still to come. */
    es->at = now;
    es->armed = 0;
    for (uint64_t piece = from; piece < now; piece++)
        expire(es, &es->slots[piece % EXPIRY_SLOTS], now);
    es->armed = UINT64_MAX;
    arm_next(es);
}

void expiries_arm(struct expiries *es, uint64_t piece)
{
    uint64_t now = clock_mono_ns(es->timers->clock);
    uint64_t end = (piece + 1) << es->shift;
    uint64_t ms = end <= now ? 0 : (end - now + 999999) / 1000000;

    es->armed = piece;
    timer_start(es->timers, &es->timer, ms, on_due);
}
