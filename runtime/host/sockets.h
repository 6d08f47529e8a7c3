/*
 * sockets.h - connections as peers of sockets.
 *
 *   exchange --upgrade--> seed --[letter]--> websocket <--> socket of an object
 *   socket --connect--> seed ------------------^
 *
 * The two know each other directly: a websocket's user is the socket, the
 * socket's peer is the websocket.
 */
#ifndef HOST_SOCKETS_H
#define HOST_SOCKETS_H

#include <stdint.h>

#include "base/slice.h"

struct connect;
struct exchange;
struct letter;
struct response;
struct socket;
struct worker;

/* The code that stands for a lost connection (RFC 6455, section 7.4.1). */
enum { SOCKETS_LOST = 1006 };

/* ... and its reason, as scripts see it; static. */
struct slice sockets_lost_text(void);
/* The socket of `w` with that number that waits for a peer; NULL when it is
 * over. */
struct socket *sockets_find(struct worker *w, uint64_t number);
/* Answer `x` with `rs` (a 101 with a ticket; taken over): the connection
 * becomes the peer of the socket that the ticket names.  What goes wrong is
 * answered, and logged if it is the script's fault. */
void sockets_upgrade(struct worker *w, struct exchange *x, struct response *rs);
/* A LETTER_SOCKET has come: a connection for one of the sockets of `w`.  `l`
 * stays the caller's. */
void sockets_receive(struct worker *w, struct letter *l);
/* host_ops.connect; `host` is the worker. */
void sockets_connect(void *host, struct socket *s, struct connect *c);

#endif
