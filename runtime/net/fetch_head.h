/*
 * fetch_head.h - the lines of a response's head, as libcurl gives them one by
 * one, to a response.
 */
#ifndef NET_FETCH_HEAD_H
#define NET_FETCH_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/message.h"

/* Zero-initialized: nothing has come. */
struct fetch_head {
    struct buf text;  /* the lines, without their ends, each with a NUL */
    bool is_complete; /* what comes now is no head any more */
    int status;       /* of the last status line */
};

enum { FETCH_HEAD_MORE, FETCH_HEAD_DONE };

/* Take one line with its end.  Returns FETCH_HEAD_DONE at the empty line after
 * a final status, FETCH_HEAD_MORE otherwise (also for trailers, which are
 * dropped), or ERR_TOO_BIG. */
int fetch_head_add(struct fetch_head *h, struct slice line);

/* The response of a complete head from `url` with `body` (taken over; NULL
 * without one); fields of the connection are left out, and with `is_unpacked`
 * those that tell of a compressed body.  One reference. */
struct response *fetch_head_response(const struct fetch_head *h,
                                     struct slice url, struct body *body,
                                     bool is_unpacked);

/* The value of a field, empty when there is none. */
struct slice fetch_head_find(const struct fetch_head *h, struct slice name);

/* Forget everything. */
void fetch_head_fini(struct fetch_head *h);

#endif
