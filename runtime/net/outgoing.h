/*
 * outgoing.h - from a response to the socket.
 *
 * The body is pulled: what the socket does not take at once is copied (at most
 * OUTGOING_RUN_MAX bytes and their framing), and no more is read from the body
 * until that has left.
 */
#ifndef NET_OUTGOING_H
#define NET_OUTGOING_H

#include "net/conn.h"

enum { OUTGOING_RUN_MAX = 64 * 1024 };

enum outgoing_way {
    OUTGOING_TRY,  /* write now, queue the rest */
    OUTGOING_LOOP, /* let the other connections have a turn first */
};

enum outgoing_state {
    OUTGOING_WAITS, /* for the socket or for the body */
    OUTGOING_DONE,
    OUTGOING_BROKEN, /* the answer cannot be completed */
};

/* Send the parts in order; nothing may be pending.  Copies what is not sent at
 * once.  Returns 0, or ERR_IO when the peer is gone. */
int outgoing_send(struct conn *c, uv_buf_t *parts, unsigned count,
                  enum outgoing_way way);
/* WRITE: send as much of c->exchange's response as possible.  Look at c->state
 * before its result.  [may free c->exchange] */
enum outgoing_state outgoing_run(struct conn *c);
/* Let go of the response; its body is abandoned unless it is at its end. */
void outgoing_drop(struct exchange *x);

#endif
