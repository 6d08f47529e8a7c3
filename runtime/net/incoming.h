/*
 * incoming.h - from a connection's unread bytes to requests: the head, the
 * body, the limits on both, and the answers to what breaks them.
 */
#ifndef NET_INCOMING_H
#define NET_INCOMING_H

#include "net/conn.h"

enum {
    INCOMING_DISCARD_MAX = 256 * 1024, /* of a body that nobody wants */
    INCOMING_AHEAD_MAX = 16 * 1024,    /* of requests to come; then no more is
                                          read until they have their turn */
};

/* READ_HEAD: read a head and hand the request over, or refuse it.  Returns
 * false when more bytes are needed.  [may free c->exchange] */
bool incoming_head(struct conn *c);
/* Take what is there of the body of the request.  [may free c->exchange] */
void incoming_body(struct conn *c);
/* Nothing more of the request's body will come; `err` says why.
 * [may free x] */
void incoming_cut(struct exchange *x, int err);
/* The request (or what was to become one) is bad: answer `status` and close;
 * when an answer is already under way, only close.  [may free c->exchange] */
void incoming_refuse(struct conn *c, int status, int err);
/* The socket should be read now. */
bool incoming_is_wanted(const struct conn *c);

#endif
