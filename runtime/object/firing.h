/*
 * firing.h - an alarm of one object while it is fired: at most one at a time.
 *
 *   scheduler --firing_push--> QUEUED --begin--> BEGUN --end--> ENDED
 * --commit--> ^                          |                |              | |
 * +----- reset ----+--------------+
 *      +------------------- the next alarm, or a retry
 *
 * What the alarm has come to is written in the transaction of its handler's
 * last turn; after a reset, in one of its own.  What is to be fired is asked of
 * the object's database when the event begins: the scheduler may be wrong.
 */
#ifndef OBJECT_FIRING_H
#define OBJECT_FIRING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "object/timer.h"

struct event;
struct object;
struct object_reset;
struct outcome;

enum firing_state {
    FIRING_QUEUED, /* its event is in the mailbox */
    FIRING_FAILED, /* the event is gone: the object could not be woken for it */
    FIRING_BEGUN,  /* the handler is under way */
    FIRING_ENDED   /* what came of it is written, but not committed */
};

struct firing {
    enum firing_state state;
    struct object *object;
    unsigned trouble; /* times before that the runtime itself was to blame */
    struct timer timer;
    bool gives_up;  /* no retry if it fails */
    bool is_logged; /* why it failed is in the log */
    /* Of the alarm, from BEGUN on. */
    struct buf name, payload;
    int64_t generation;
    int64_t time; /* when it was meant for */
    int retries;
    struct buf failure; /* FAILED: why */
};

/* An alarm of `o`, which has no firing, is due: its event goes into the
 * mailbox, however full that is. */
void firing_push(struct object *o, unsigned trouble);
/* The event has left the mailbox.  Returns whether there is an alarm to be
 * handled; if not the event is over, and so is its turn, unless the object was
 * reset. */
bool firing_begin(struct object *o);
/* The handler has ended with that outcome.  Returns whether the turn may end;
 * false: the object was reset. */
bool firing_end(struct object *o, const struct outcome *outcome);
/* A turn of `o` has ended well; `committed`: something was written. */
void firing_turn_ended(struct object *o, bool committed);
/* The event failed before it began, with that outcome; firing_reset follows. */
void firing_event_failed(struct object *o, const struct outcome *outcome);
/* The object was reset: memory and database are gone. */
void firing_reset(struct object *o, const struct object_reset *why);
/* Without a word to anybody. */
void firing_drop(struct object *o);

/* The alarm that is being handled, if any, is not retried if it fails. */
void firing_give_up(struct object *o);
/* The alarm that is stored as `name` and `generation` is being handled. */
bool firing_is(const struct object *o, struct slice name, int64_t generation);

#endif
