/*
 * port.h - what the network asks of the floor above.
 */
#ifndef NET_PORT_H
#define NET_PORT_H

#include "base/message.h"

struct exchange; /* one request and the response to it: exchange.h */

struct net_handler {
    void *user;
    /* A request's head has arrived (its body may still be coming).  Takes over
     * one reference to `rq`.  exchange_reply must be called once, now or
     * later, unless `gone` comes first. */
    void (*request)(void *user, struct exchange *x, struct request *rq);
    /* The client went away before the reply, or the server closes: `x` must
     * not be used after this returns. */
    void (*gone)(void *user, struct exchange *x);
    /* The client has shut its sending side before the reply: it is going away,
     * or only waits for that.  NULL: nobody wants to know. */
    void (*leaving)(void *user, struct exchange *x);
};

#endif
