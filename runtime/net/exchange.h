/*
 * exchange.h - one request on a connection and the response to it.
 *
 * Owned by its connection; valid from net_handler.request until
 * exchange_reply has returned or net_handler.gone.
 */
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include "net/port.h"

/* Answer.  Takes over one reference to `rs`; its body may still be open and is
 * read as fast as the peer takes it.  Framing fields (Content-Length,
 * Transfer-Encoding, Connection, Date, Keep-Alive) are the connection's: those
 * in `rs` are dropped, but for a Content-Length in answer to HEAD.  Responses
 * leave in the order of the requests. */
void exchange_reply(struct exchange *x, struct response *rs);
/* A pointer for the handler's own use; NULL at first. */
void exchange_set_data(struct exchange *x, void *data);
void *exchange_data(const struct exchange *x);

#endif
