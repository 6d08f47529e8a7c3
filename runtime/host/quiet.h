/*
 * quiet.h - what a worker gives back when it has little to do.
 *
 *   a round of the loop --> a second later: was it quiet? --> trim, or again
 *
 * A burst of connections leaves memory behind that nobody asks for any more:
 * what the allocator keeps at hand for the thread, tables of the realm, and the
 * table of watchers of the loop, which libuv never makes smaller.  On the
 * worker's thread.
 */
#ifndef HOST_QUIET_H
#define HOST_QUIET_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct realm;

struct quiet {
    struct realm *realm; /* borrowed */
    uv_timer_t timer;    /* active while the last round is not long ago */
    uint32_t rounds;     /* of the loop, since the timer was last due */
    bool is_own;         /* this round is the timer's */
};

void quiet_init(struct quiet *q, uv_loop_t *loop, struct realm *r);
/* The loop goes round.  Cheap. */
void quiet_round(struct quiet *q);
void quiet_close(struct quiet *q);

#endif
