/*
 * cause.h - which event a task comes from: for mk.spawn and the function of a
 * critical section.
 *
 *   event --own--> cause <--from-- the tasks that it has started, and theirs
 *
 * Made when an event first starts a task; outlives the event as long as one of
 * the tasks does.  Timers and waitUntil have no cause: they are nobody's.
 */
#ifndef OBJECT_CAUSE_H
#define OBJECT_CAUSE_H

#include <stdint.h>

#include "object/event.h"

struct cause {
    uint32_t refs;
    const struct event *event; /* NULL: it is over */
    /* Of the event, once that is over. */
    enum event_kind kind;
    char *method; /* owned; NULL without one */
};

/* The task of `e` (which has no cause yet) is started by `by`, or by what that
 * was started by. */
void cause_set(struct event *e, struct event *by);
/* The event `e` ends: what it started outlives it. */
void cause_end(struct event *e);
void cause_drop(struct cause *c); /* NULL is allowed */

/* By when the calls of `e` must be over, of clock_mono_ns; 0: it says nothing.
 * What outlives the event that started it has as much time as it likes. */
static inline uint64_t cause_deadline(const struct event *e)
{
    if (e->from == NULL)
        return e->deadline_ns;
    return e->from->event == NULL ? 0 : e->from->event->deadline_ns;
}

#endif
