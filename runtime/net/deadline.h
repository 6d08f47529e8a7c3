/*
 * deadline.h - time limits of many connections with one timer.
 *
 * Every kind of limit has one length, so a queue per kind is in order of time
 * and setting a limit is appending to a queue.  The timer looks at the fronts
 * a few times per shortest limit (each 500 ms at most) and stops while there
 * is nothing to look at; limits fire late by up to that much, never early.
 * Where `most` bounds what fires at a time, those behind wait for the next
 * look, which spreads what was set all at once.
 */
#ifndef NET_DEADLINE_H
#define NET_DEADLINE_H

#include <stdint.h>
#include <uv.h>

#include "base/list.h"

enum deadline_kind {
    DEADLINE_NONE,
    DEADLINE_HEAD,   /* a request's head must be complete */
    DEADLINE_IDLE,   /* something must happen */
    DEADLINE_LINGER, /* the peer must have closed */
    DEADLINE_PING,   /* of a websocket: the peer is asked for a sign of life */
    DEADLINE_CLOSE,  /* of a websocket: the close frames must be exchanged */
    DEADLINE_KINDS,
};

/* Embedded in the thing that has a limit; at most one at a time. */
struct deadline {
    struct list link;
    uint64_t due; /* uv_now */
    enum deadline_kind kind;
};

struct deadlines {
    uv_timer_t timer;
    uint64_t tick_ms;
    uint32_t most; /* of a kind in one tick; 0: no bound; may be changed */
    uint64_t ms[DEADLINE_KINDS];
    struct list queue[DEADLINE_KINDS];
    /* `d` has passed and is DEADLINE_NONE again; may set any deadline. */
    void (*passed)(struct deadline *d, enum deadline_kind kind);
};

/* `ms` has a length for each kind but DEADLINE_NONE, 0 for those that are not
 * in use; copied. */
void deadlines_init(struct deadlines *ds, uv_loop_t *loop, const uint64_t *ms,
                    void (*passed)(struct deadline *d, enum deadline_kind k));
/* Close the timer; `closed` gets its handle. */
void deadlines_close(struct deadlines *ds, uv_close_cb closed);

void deadline_init(struct deadline *d);
/* From now on `d` is of `kind`, with its whole length to go. */
void deadline_set(struct deadlines *ds, struct deadline *d,
                  enum deadline_kind kind);

#endif
