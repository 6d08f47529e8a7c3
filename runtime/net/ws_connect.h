/*
 * ws_connect.h - connections to WebSocket servers elsewhere: name resolution,
 * TCP, TLS with a verified certificate, handshake (RFC 6455, section 4.1).
 */
#ifndef NET_WS_CONNECT_H
#define NET_WS_CONNECT_H

#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "base/message.h"
#include "base/random.h"
#include "net/websocket.h"

struct outbound; /* what the outgoing connections of a worker share */
struct ws_connect;

/* `random` makes keys and masks; both must live until closed. */
struct outbound *outbound_open(uv_loop_t *loop, struct random *random);
/* Everything under way fails; `closed(arg)` once all handles are closed. */
void outbound_close(struct outbound *o, void (*closed)(void *arg), void *arg);

/*
 * Connect to `rq->url` (http or https: ws and wss), with the fields of `rq`
 * (taken over; Sec-WebSocket-Protocol has the offered sub-protocols) and
 * permessage-deflate offered.  `done` is called once, later: rc 0 with
 * a seed that the callee takes over, or ERR_* with `err` that says what failed
 * and where (name, connection, certificate, status of the answer).  At most
 * `timeout_ms` in all.
 */
struct ws_connect *ws_connect_begin(
    struct outbound *o, struct request *rq, uint64_t timeout_ms,
    void (*done)(void *arg, struct ws_seed *seed, const struct error *err),
    void *arg);
/* Give it up: `done` is not called. */
void ws_connect_cancel(struct ws_connect *c);

#endif
