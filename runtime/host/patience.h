/*
 * patience.h - how long a client waits for the router's answer: the deadline of
 * its request, and what is left undone when it goes away.
 *
 *   WAITING --its sending side is shut--> LEAVING --a second old--> LEFT
 *      '---------- limits.call_ms, and a little more, are over: LATE
 *
 * A client that has closed its connection cannot be told from one that only
 * says that it has no more to send.  The latter gets its answer all the same if
 * that is begun within a second of its request; what has not begun by then is
 * given up.
 *
 * The little more is for the router, whose own calls are late a moment before:
 * it may answer that as it likes.  The time of a request whose body is still on
 * its way begins anew until that is there.
 */
#ifndef HOST_PATIENCE_H
#define HOST_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "object/expiry.h"

struct body;
struct event;
struct realm;

enum patience_end {
    PATIENCE_LATE, /* time is up */
    PATIENCE_LEFT  /* the client is leaving, and nothing has begun */
};

/* Part of what waits for the answer; on one thread. */
struct patience {
    struct expiry expiry;
    struct realm *realm;
    struct event *event; /* the request's; NULL: there is none any more, and
                            its outcome has come or never will */
    struct body *body;   /* of the request while it is on its way; held */
    uint64_t began_ns;
    uint64_t due_ns; /* 0: no limit */
    bool is_leaving;
    /* Somebody has to answer in the router's place.  With an event its outcome
     * is still to come, unless patience_give_up says otherwise. */
    void (*end)(struct patience *p, enum patience_end why);
};

/* `e` (FETCH), on its way to the router of `r`, is given its deadline. */
void patience_begin(struct patience *p, struct realm *r, struct event *e,
                    void (*end)(struct patience *p, enum patience_end why));
/* The request has had all of its time. */
bool patience_is_spent(const struct patience *p);
/* The outcome has come, or nobody cares: nothing more is called. */
void patience_over(struct patience *p);
/* The client has shut its sending side. */
void patience_leave(struct patience *p);
/* It is gone before the outcome: what has not begun is cancelled.  Returns
 * whether the outcome is still to come.  Ends as patience_over. */
bool patience_give_up(struct patience *p);

#endif
