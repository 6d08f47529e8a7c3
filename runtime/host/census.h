/*
 * census.h - limits.connections: HTTP connections and WebSockets of all
 * workers together.
 *
 * A connection may end on another worker than the one that accepted it, so
 * each worker says how many it has, and tells those that hold connections back
 * when it has fewer.
 *
 * Each is a descriptor of the process, of which objects' databases need some
 * as well, so there are never more than the system allows and leaves room for.
 */
#ifndef HOST_CENSUS_H
#define HOST_CENSUS_H

#include <stdatomic.h>
#include <stdint.h>

struct node;
struct worker;

/* Part of a worker; read by all. */
struct census {
    atomic_uint count;   /* its connections, as last said */
    atomic_bool is_full; /* it holds a connection back */
};

/* How many there may be: limits.connections, or what the limit on descriptors
 * (ulimit -n) leaves for them. */
uint32_t census_limit(const struct node *n);
/* Log that the system allows fewer than limits.connections, if it does. */
void census_log(const struct node *n);
/* How many there are besides the HTTP connections of `worker`
 * (server_config.others). */
uint32_t census_others(void *worker);
/* Say how many `w` has now; in each iteration of its loop. */
void census_say(struct worker *w);

#endif
