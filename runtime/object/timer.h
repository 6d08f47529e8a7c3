/*
 * timer.h - timers of one worker: a heap by due time behind one uv timer, or
 * behind nothing, for whoever moves a virtual clock.
 *
 * A timer is embedded in its owner's struct; it is idle or in the heap of one
 * `struct timers`.  Callbacks run on the loop's thread, one after another in
 * order of due time, and may start, stop and free any timer.
 */
#ifndef OBJECT_TIMER_H
#define OBJECT_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"

struct timers;
struct timer;

typedef void (*timer_cb)(struct timer *t);

struct timer {
    struct timers *timers; /* where it waits; NULL: idle */
    size_t at;             /* index in the heap */
    uint64_t due_ns;       /* of clock_mono_ns */
    uint64_t order;        /* among equal times: first started, first called */
    timer_cb cb;
};

struct timers {
    const struct clock *clock;
    uv_timer_t handle;   /* its loop is NULL: there is none */
    struct timer **heap; /* owned array */
    size_t count, cap;
    uint64_t order;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* On `loop`; timers_close ends it.  NULL: timers_run alone calls what is due.
 */
void timers_init(struct timers *ts, uv_loop_t *loop, const struct clock *clock);
/* Forget every timer; `closed(arg)` when the loop has let go of the handle,
 * without one before this returns. */
void timers_close(struct timers *ts, void (*closed)(void *arg), void *arg);

/* For whoever moves a virtual clock: when the first timer is due, of
 * clock_mono_ns (UINT64_MAX: none waits), and call what is due by now. */
uint64_t timers_next_ns(const struct timers *ts);
void timers_run(struct timers *ts);

/* Give back room that was needed for many more timers than wait now. */
void timers_trim(struct timers *ts);

/* Call `cb` once, `ms` milliseconds from now; restarts a waiting timer. */
void timer_start(struct timers *ts, struct timer *t, uint64_t ms, timer_cb cb);
/* Harmless on an idle timer. */
void timer_stop(struct timer *t);
static inline bool timer_is_waiting(const struct timer *t)
{
    return t->timers != NULL;
}

#endif
