/*
 * exchange.h - one request on a connection and the response to it.
 *
 * Owned by its connection; valid from net_handler.request until
 * exchange_reply has returned or net_handler.gone.
 */
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include "base/err.h"
#include "net/port.h"

struct ws_seed;

/* Answer.  Takes over one reference to `rs`; its body may still be open and is
 * read as fast as the peer takes it.  Framing fields (Content-Length,
 * Transfer-Encoding, Connection, Date, Keep-Alive) are the connection's: those
 * in `rs` are dropped, but for a Content-Length in answer to HEAD.  Responses
 * leave in the order of the requests. */
void exchange_reply(struct exchange *x, struct response *rs);
/*
 * Answer with a 101 and give the connection up to the WebSocket protocol
 * (RFC 6455, section 4.2.2).  `rs` as in exchange_reply: its fields go along,
 * a Sec-WebSocket-Protocol must be one that the client offered; the fields of
 * the handshake are the connection's.
 *
 * Returns 0: the exchange is over, `*seed` (websocket.h) has the file
 * descriptor, what is unread and the head of the answer, not yet sent.  Else
 * the client has got an answer (ERR_PROTO: 400 or 426, its request is none for
 * a WebSocket; ERR_INVALID: 500, the script's answer is at fault) and `*err`
 * says why, or ERR_IO: the connection is closed.
 */
int exchange_upgrade(struct exchange *x, struct response *rs,
                     struct ws_seed *seed, struct error *err);
/* A pointer for the handler's own use; NULL at first. */
void exchange_set_data(struct exchange *x, void *data);
void *exchange_data(const struct exchange *x);

#endif
