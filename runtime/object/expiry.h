/*
 * expiry.h - by when calls must be over: many times behind one timer.
 *
 *   slots: [0] [1] ... [255], each a list of what is due in its piece of time
 *
 * All calls of a worker have the same limit and some inherit a part of it, so
 * nothing is due later than that limit from now, and a slot is for one piece of
 * time at a time, unless the timer comes very late.  Starting and stopping is
 * linking and unlinking; the timer looks at slots that have passed.  Late by a
 * slot's width at most (a hundredth of the limit), never early.
 */
#ifndef OBJECT_EXPIRY_H
#define OBJECT_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "object/timer.h"

enum { EXPIRY_SLOTS = 256 };

/* Embedded in what has a limit. */
struct expiry {
    struct list link; /* unlinked: it has none */
    uint64_t piece;   /* of time in which it is due; its slot's, or a later one
                         that falls on the same slot */
    void (*passed)(struct expiry *x);
};

struct expiries {
    struct timers *timers;
    struct timer timer;
    unsigned shift; /* a slot is 2^shift ns wide */
    uint64_t at;    /* pieces of time below have been looked at */
    uint64_t armed; /* that the timer waits for; UINT64_MAX: none */
    struct list slots[EXPIRY_SLOTS];
};

/* `limit_ns`: so far ahead, and a sixteenth more, things may be due; less than
 * two seconds count as two seconds. */
void expiries_init(struct expiries *es, struct timers *timers,
                   uint64_t limit_ns);
/* The timer shall wait for `piece`, the first that is in use. */
void expiries_arm(struct expiries *es, uint64_t piece);

/* Call `passed(x)` once, when `due_ns` of clock_mono_ns has passed.  `x` is not
 * started. */
static inline void expiry_start(struct expiries *es, struct expiry *x,
                                uint64_t due_ns,
                                void (*passed)(struct expiry *x))
{
    x->piece = due_ns >> es->shift;
    x->passed = passed;
    if (x->piece < es->at)
        x->piece = es->at; /* passed already: with the next look */
    list_push(&es->slots[x->piece % EXPIRY_SLOTS], &x->link);
    if (x->piece < es->armed)
        expiries_arm(es, x->piece);
}

static inline void expiry_init(struct expiry *x)
{
    list_init(&x->link);
}

/* Harmless on what is not started, but has been initialized. */
static inline void expiry_stop(struct expiry *x)
{
    list_unlink(&x->link);
}

#endif
