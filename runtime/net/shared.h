/*
 * shared.h - what the connections of one server have in common.
 *
 * The buffers here serve whichever connection is at work: bytes are read into
 * `read_buffer` and used up or copied before the loop goes on, so that a
 * connection has memory of its own only for what is unread or unsent.
 */
#ifndef NET_SHARED_H
#define NET_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/logline.h"
#include "net/deadline.h"
#include "net/port.h"
#include "wire/http_head.h"
#include "wire/http_reply.h"

enum { SHARED_READ_SIZE = 64 * 1024 };

struct shared {
    uv_loop_t *loop;
    struct net_handler handler;
    const struct clock *clock;
    int64_t body_bytes; /* of a request; past it 413 */
    bool is_draining;   /* no keep-alive any more */
    uint32_t count;     /* open connections */
    struct list conns;  /* all of them: conn.h */
    struct deadlines deadlines;
    struct buf authority; /* for requests without Host */
    struct buf url;       /* of the request that is being built */
    struct buf out;       /* of the frame that is being sent */
    struct http_head *head;
    uint64_t date_until; /* uv_now until which `date` is good */
    char date[HTTP_DATE_SIZE + 1];
    char *read_buffer; /* SHARED_READ_SIZE bytes */
    /* A connection is gone; `count` says how many are left. */
    void (*on_conn_closed)(struct shared *s);
};

/* The value of Date for now; borrowed until the next call. */
struct slice shared_date(struct shared *s);

#endif
