/*
 * tap.h - what each event costs, for who watches: counted only while the realm
 * is tapped.
 *
 *   turn: tap_run_begins --> task --> tap_run_ends ... --> tap_event_ends
 *                                                              --> host
 *
 * An event that was under way when the tap was opened is counted from there
 * on.  One thread.
 */
#ifndef OBJECT_TAP_H
#define OBJECT_TAP_H

#include <stdint.h>

#include "object/event.h"
#include "object/object.h"
#include "store/db.h"

struct tap_cost {
    uint64_t cpu_ns, took_ns; /* from its beginning to its end */
    int64_t bytes_in;         /* body, arguments, message; -1: not known */
    int64_t bytes_out;        /* body, results, messages sent; likewise */
    struct db_tally rows;
    /* As the run began. */
    struct db_tally rows_before;
    uint64_t sent_before;
};

/* The rest of the functions below, while it is tapped. */
void tap_begin(struct object *o, struct event *e);
void tap_end(struct object *o, struct event *e);
void tap_tell(struct object *o, struct event *e);

/* The task of `e` is about to run. */
static inline void tap_run_begins(struct object *o, struct event *e)
{
    if (o->realm->is_tapped)
        tap_begin(o, e);
}

/* It has stopped for now; its task is still there. */
static inline void tap_run_ends(struct object *o, struct event *e)
{
    if (e->cost != NULL)
        tap_end(o, e);
}

/* It is over, and its outcome is known. */
static inline void tap_event_ends(struct object *o, struct event *e)
{
    o->handled++;
    o->realm->handled++;
    o->realm->counters.events[e->kind]++;
    if (e->outcome.kind == OUTCOME_FAILURE)
        o->realm->counters.failed[e->kind]++;
    if (e->cost != NULL)
        tap_tell(o, e);
}

#endif
