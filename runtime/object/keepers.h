/*
 * keepers.h - what keeps an object awake, for who asks from outside.
 *
 * On the object's thread, between turns; changes nothing.
 */
#ifndef OBJECT_KEEPERS_H
#define OBJECT_KEEPERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct event;
struct object;

enum keeper_kind {
    KEEPER_EVENT,    /* under way */
    KEEPER_QUEUED,   /* in the mailbox */
    KEEPER_SECTION,  /* blockConcurrencyWhile or init, under way or asked for */
    KEEPER_TIMER,    /* mk.after, mk.every */
    KEEPER_SOCKETS,  /* plain ones */
    KEEPER_TARGETS,  /* functions and tables that others hold by reference */
    KEEPER_SPAWNED,  /* tasks of its own that have not begun */
    KEEPER_FIRING,   /* an alarm that is to be fired, or was just now */
    KEEPER_NOT_SAVED /* what it wrote is not on disk yet */
};

struct keeper {
    enum keeper_kind kind;
    struct slice what;      /* EVENT: "GET /path"; SECTION: "init"; borrowed */
    struct slice waits_for; /* both: "mk.sleep"; empty: its turn has come, or
                               will when others have ended */
    uint64_t age_ms;        /* EVENT, SECTION: since it began */
    uint64_t due_ms;        /* TIMER: until the next time */
    uint64_t every_ms;      /* TIMER: 0: once */
    size_t count;           /* of the others */
};

/* Call each(arg, keeper) for everything, events first, the oldest first. */
void keepers_each(const struct object *o,
                  void (*each)(void *arg, const struct keeper *k), void *arg);
/* Append what `e`, begun or not, is: "GET /path", "call of increment",
 * "alarm 'name'", "message". */
void keepers_describe(const struct object *o, const struct event *e,
                      struct buf *out);

#endif
