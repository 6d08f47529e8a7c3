/*
 * fetches.h - requests of objects and routers to elsewhere (mk.fetch), by the
 * outgoing connections of their worker.
 *
 *   fetch_call --> net's fetch --done--> response, whose body is still coming
 *
 * How many an object has under way is counted where they are made
 * (bindings/fetch.c).
 */
#ifndef HOST_FETCHES_H
#define HOST_FETCHES_H

struct fetch_call;

/* host_ops.fetch and host_ops.cancel_fetch; `host` is the worker. */
void fetches_begin(void *host, struct fetch_call *c);
void fetches_cancel(void *host, struct fetch_call *c);

#endif
