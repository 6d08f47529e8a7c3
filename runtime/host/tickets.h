/*
 * tickets.h - the end of a WebSocket that travels in a response: which socket,
 * of which worker, stays behind.
 */
#ifndef HOST_TICKETS_H
#define HOST_TICKETS_H

#include <stdint.h>

#include "base/message.h"

struct letter;
struct socket;
struct worker;

/* A ticket for the end opposite to `s`, a socket of `host`, the worker
 * (host_ops.ticket).  Its `drop` may be called on any thread: `s` is told that
 * its peer is lost. */
struct ticket *tickets_new(void *host, struct socket *s);
/* Whoever takes the end frees the ticket: returns the worker, and the number
 * of the socket to `*socket`. */
struct worker *tickets_take(struct ticket *t, uint64_t *socket);
/* A LETTER_TICKET has come: nobody took it.  `l` stays the caller's. */
void tickets_receive(struct worker *w, const struct letter *l);

#endif
