/*
 * server.h - an HTTP/1.1 server on one uv loop: listener and connections.
 *
 *   listener --> conn (READ_HEAD .. WRITE) --> net_handler.request
 *                conn <-- exchange_reply
 *
 * All on the loop's thread.  Limits and their statuses: API.md, section 9.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/logline.h"
#include "net/port.h"

struct server_config {
    uv_loop_t *loop;
    struct net_handler handler; /* copied */
    const struct clock *clock;
    struct logger *logger; /* NULL: silent */
    const char *address;   /* "127.0.0.1:8787", "[::1]:0" */
    int64_t body_bytes;    /* limits.body_mb: past it 413 */
    uint64_t header_ms;    /* whole head must arrive within; 408 */
    uint64_t keepalive_ms; /* idle between requests; closed */
    uint32_t connections;  /* past it: not accepted */
    /* With handler.user: how many count besides those of this server; asked
     * for each new one.  NULL: none. */
    uint32_t (*others)(void *user);
};

struct server;

/* Bind with SO_REUSEPORT and listen.  `config` is copied; what it points to
 * stays the caller's, `clock` and `logger` until the server is closed.  The
 * process must ignore SIGPIPE.  ERR_BUSY: the address is in use by a process
 * that does not share it; ERR_INVALID: not an address; ERR_IO. */
int server_open(const struct server_config *config, struct server **out,
                struct error *err);
/* The port that was bound (for ":0"). */
int server_port(const struct server *s);
/* Stop accepting; connections close after the response they are at (idle ones
 * at once).  `drained(arg)` is called once, when the last is gone. */
void server_drain(struct server *s, void (*drained)(void *arg), void *arg);
/* Close every connection now, also during a drain; `closed(arg)` once all
 * handles are closed and `s` is freed. */
void server_close(struct server *s, void (*closed)(void *arg), void *arg);
/* Open connections. */
uint32_t server_connections(const struct server *s);
/* A connection waits to be accepted. */
bool server_is_full(const struct server *s);
/* The others have become fewer: accept what waits, if it may be now.  Those of
 * its own the server counts itself. */
void server_resume(struct server *s);

#endif
