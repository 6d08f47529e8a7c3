/*
 * fetch.h - one HTTP request to elsewhere and its response (mk.fetch).
 *
 *   request body --> libcurl --> server --> head --> done(response)
 *                                       --> body, while it comes
 *
 * HTTP/1.1, and HTTP/2 over TLS; connections are used again, by all fetches of
 * the outbound; no cookies; proxies as the environment says.  What the server
 * compressed is unpacked.  Bodies are streamed both ways: the response is not
 * read while its body is full, the request's not asked for more than the
 * connection takes.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <stdint.h>

#include "base/err.h"
#include "base/message.h"
#include "net/outbound.h"

enum fetch_redirect {
    FETCH_FOLLOW, /* at most FETCH_REDIRECTS_MAX */
    FETCH_MANUAL, /* a redirect is a response as any other */
    FETCH_FAIL,   /* a redirect is a failure: init.redirect = "error" */
};

enum { FETCH_REDIRECTS_MAX = 20, FETCH_HEAD_MAX = 128 * 1024 };

struct fetch_options {
    /* From the beginning to the response's head, and then between one piece of
     * the body and the next; also anew from each piece of the request's body
     * that was taken.  Time that is spent waiting for the script, to write or
     * to read, does not count. */
    uint64_t timeout_ms;
    enum fetch_redirect redirect;
};

struct fetch;

/*
 * Send `rq`: method, url, fields and body; fields that are the connection's
 * (Host, Connection, Content-Length and so on) are left out.
 *
 * rq    taken over.  A body that is complete is sent with its length, and again
 *       after a redirect that asks for that (307, 308); one that is open goes
 *       out in chunks unless it told its length, and cannot be sent again
 * done  called once, later, perhaps before the request's body is sent: with
 *       a response (its reference is the callee's) and NULL; or with NULL and
 *       what failed below HTTP, where: ERR_TIMEOUT, ERR_INVALID (no URL of
 *       http or https), ERR_PROTO (no HTTP, too many redirects), ERR_TOO_BIG
 *       (the head), ERR_IO, ERR_CLOSED (the outbound was closed)
 *
 * Redirects (fetch standard): 303 becomes GET unless it was HEAD, 301 and 302
 * do when it was POST; Authorization and Cookie do not go to another origin.
 *
 * The response's body is NULL for HEAD, 204 and 304.  It fails with ERR_IO or
 * ERR_TIMEOUT when the rest does not come; whoever abandons it, or drops the
 * last other reference, ends the fetch.  On the outbound's thread.
 */
struct fetch *fetch_begin(struct outbound *o, struct request *rq,
                          const struct fetch_options *options,
                          void (*done)(void *arg, struct response *rs,
                                       const struct error *err),
                          void *arg);
/* Give it up: `done` is not called.  Not after `done`: abandon the body. */
void fetch_cancel(struct fetch *f);

#endif
