/*
 * chore.h - work of a realm that may wait for the disk: done on a thread of
 * libuv's pool, and come back from.
 *
 *   chore_start --> run (a thread of the pool) --> done (the realm's)
 *
 * Without a loop, in a realm whose clock somebody moves, both are called on the
 * realm's thread as a timer that is due at once would be.
 *
 * A chore is embedded in its owner's struct, which stays until `done`.
 */
#ifndef OBJECT_CHORE_H
#define OBJECT_CHORE_H

#include <uv.h>

#include "base/list.h"
#include "object/timer.h"

struct realm;

struct chore {
    /* Sees nothing but what its owner has put beside the chore. */
    void (*run)(struct chore *c);
    /* Called exactly once, never from within chore_start; may free.  `status`
     * is 0, or ERR_CANCELED: the realm closes (its objects are gone), and
     * `run` may not have been called. */
    void (*done)(struct chore *c, int status);
    struct realm *realm;
    struct list link; /* realm.chores */
    uv_work_t work;
    struct timer timer;
};

void chore_start(struct realm *r, struct chore *c);
/* The realm closes: what has not begun does not begin.  Of a realm with a loop
 * the rest comes to its end before the loop does. */
void chore_close(struct realm *r);

#endif
