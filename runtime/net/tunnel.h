/*
 * tunnel.h - a connection whose TLS is libcurl's, as a plain descriptor.
 *
 *   who uses fd <--> [socket pair] <--> tunnel <--> libcurl (TLS) <--> server
 *
 * Bytes wait in the tunnel only while the side they go to does not take them:
 * at most TUNNEL_PIECE in each direction, and then the other side is not read.
 * Either end may be shut on its own; when `fd` is closed, or one side has been
 * shut for TUNNEL_LINGER_MS, it is over.
 */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include "base/err.h"
#include "net/transfer.h"

enum { TUNNEL_PIECE = 16 * 1024, TUNNEL_LINGER_MS = 10000 };

/*
 * Take over the connected `t` and run it on the outbound's loop.
 *
 * fd  the other end: a non-blocking stream socket, the caller's to close, on
 *     whatever thread
 *
 * Returns 0; or ERR_IO with `err` set, and `t` stays the caller's.
 */
int tunnel_open(struct transfer *t, int *fd, struct error *err);

#endif
