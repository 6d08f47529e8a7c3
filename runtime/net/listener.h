/*
 * listener.h - a listening TCP socket.
 *
 * Asks for each connection whether it may be accepted; one that may not stays
 * where it is, and so do all behind it, until listener_resume.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/logline.h"

struct listener {
    uv_tcp_t tcp;
    bool is_held;          /* a connection waits in tcp */
    uint64_t silent_until; /* uv_now: failures before this are not logged */
    struct logger *logger;
    /* Accept from l->tcp and return true, or return false for "not now". */
    bool (*accept)(struct listener *l);
};

/*
 * Bind `address` ("127.0.0.1:8787", "[::1]:0") with SO_REUSEPORT and listen.
 * `accept` and `logger` must be set.  On success the caller closes l->tcp; on
 * failure the handle needs no closing.  Returns 0, ERR_BUSY, ERR_INVALID or
 * ERR_IO.
 */
int listener_open(struct listener *l, uv_loop_t *loop, const char *address,
                  struct error *err);
/* Offer the connection that was held back again. */
void listener_resume(struct listener *l);
/* The bound port. */
int listener_port(const struct listener *l);
/* Append the bound address as it stands in a URL. */
void listener_name(const struct listener *l, struct buf *out);

#endif
