/*
 * outbound.h - what the outgoing connections of a worker share: one libcurl
 * multi handle on its uv loop, with its caches of names and certificates.
 *
 *   ws_connect, fetch --> transfer --> outbound (curl) <--> uv loop
 *
 * An outbound that nobody uses holds a timer or two and nothing else: libcurl
 * is loaded at the first transfer.
 */
#ifndef NET_OUTBOUND_H
#define NET_OUTBOUND_H

#include <uv.h>

#include "base/random.h"
#include "net/fetch_policy.h"

struct outbound;

/* `random` makes keys and masks; both must live until closed. */
struct outbound *outbound_open(uv_loop_t *loop, struct random *random);
/* The addresses that may be reached from now on, by whatever connection;
 * borrowed until closed.  NULL, as at first: all. */
void outbound_set_policy(struct outbound *o, const struct fetch_policy *policy);
/* Everything under way fails, tunnels included; `closed(arg)` once all handles
 * are closed and `o` is freed. */
void outbound_close(struct outbound *o, void (*closed)(void *arg), void *arg);

#endif
