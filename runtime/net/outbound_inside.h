/*
 * outbound_inside.h - what is in an outbound, for outbound.c and transfer.c.
 */
#ifndef NET_OUTBOUND_INSIDE_H
#define NET_OUTBOUND_INSIDE_H

#include "net/outbound.h"
#include "net/transfer.h"

struct outbound {
    uv_loop_t *loop;
    struct random *random;
    const struct fetch_policy *policy; /* borrowed; NULL: no rules */
    struct curl curl;
    CURLM *multi;    /* NULL before the first transfer */
    uv_timer_t tick; /* when libcurl wants to be called */
    uv_timer_t soon; /* runs when `todo` is not empty */
    struct list transfers;
    struct list todo; /* transfers that want something done */
    uint32_t holds;   /* handles that are not closed, of whomever */
    bool is_closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* Have libcurl and its multi handle.  Returns 0, or ERR_IO or ERR_NOMEM with
 * `err` set; ERR_CLOSED when it closes. */
int outbound_ready(struct outbound *o, struct error *err);
/* Something is in `todo`. */
void outbound_soon(struct outbound *o);

/* Do what is in `todo` of `o`; from the loop. */
void transfer_do_all(struct outbound *o);

#endif
