/*
 * ws_connect.h - connections to WebSocket servers elsewhere: name resolution,
 * TCP, TLS with a verified certificate, handshake (RFC 6455, section 4.1).
 *
 *   CONNECT (libcurl) --> SEND the request --> READ the answer --> a seed
 *
 * The seed's descriptor is the TCP connection itself; with TLS, which stays
 * libcurl's, one end of a tunnel (net/tunnel.h), that is a Unix socket.
 * Proxies as the environment says (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), always
 * by CONNECT.  Redirects are not followed.
 */
#ifndef NET_WS_CONNECT_H
#define NET_WS_CONNECT_H

#include <stdint.h>

#include "base/err.h"
#include "base/message.h"
#include "net/outbound.h"
#include "net/websocket.h"

struct ws_connect;

/*
 * Connect to `rq->url` (http or https: ws and wss).
 *
 * rq          taken over; its fields go along (Sec-WebSocket-Protocol has the
 *             offered sub-protocols) but for those that are the handshake's
 *             or frame a message; its method and body count for nothing
 * timeout_ms  for all of it
 * done        called once, later: with a seed, of which the callee takes over
 *             what is in it (the struct itself is gone afterwards) and NULL;
 *             or with NULL and what failed, where: ERR_TIMEOUT, ERR_INVALID
 *             (no URL of http or https, sub-protocols that may not be
 *             offered), ERR_IO (name, connection, certificate), ERR_PROTO
 *             (the answer), ERR_CLOSED (the outbound was closed)
 *
 * permessage-deflate is offered.  On the outbound's thread.
 */
struct ws_connect *ws_connect_begin(
    struct outbound *o, struct request *rq, uint64_t timeout_ms,
    void (*done)(void *arg, struct ws_seed *seed, const struct error *err),
    void *arg);
/* Give it up: `done` is not called.  Not after `done`. */
void ws_connect_cancel(struct ws_connect *c);

#endif
