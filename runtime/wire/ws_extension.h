/*
 * ws_extension.h - agreeing on permessage-deflate (RFC 7692, section 7.1) in
 * Sec-WebSocket-Extensions.
 *
 * What is agreed is always that neither side keeps a context between messages.
 * As a server we answer with both *_no_context_takeover, which the RFC allows
 * whether or not they were offered (7.1.1.1, 7.1.1.2); as a client we offer
 * both, and a server that accepts that must answer with the server's.
 */
#ifndef WIRE_WS_EXTENSION_H
#define WIRE_WS_EXTENSION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/message.h"

/* What a client of ours offers. */
#define WS_EXTENSION_OFFER                                                     \
    "permessage-deflate; server_no_context_takeover; "                         \
    "client_no_context_takeover"

/*
 * Server: choose among the offers in the request's fields.  The first that is
 * valid and that we can meet is taken; other extensions, offers with unknown,
 * repeated or invalid parameters and those with a window of 2^8 bytes are
 * passed over.
 *
 * text  what to say in Sec-WebSocket-Extensions, static; "" to leave it out
 *
 * Returns the window bits (9 to 15) for ws_deflate_pack when compression is
 * agreed, 0 when it is not, or ERR_PROTO for a field that breaks the grammar
 * (RFC 6455, section 9.1: to be answered with 400).
 */
int ws_extension_choose(const struct field *fields, uint32_t count,
                        const char **text);

/*
 * Client: read the server's answer to WS_EXTENSION_OFFER, or to no offer.
 *
 * text  what was agreed on, in the order that we use, static; "" for nothing
 *
 * Returns the window bits for ws_deflate_pack (15) when compression is agreed,
 * 0 when it is not, or ERR_PROTO with `e` set (NULL is allowed): an extension
 * that was not offered or comes twice, a parameter that is unknown, repeated,
 * invalid or not for the server to add, or no server_no_context_takeover.
 */
int ws_extension_check(const struct field *fields, uint32_t count,
                       bool was_offered, const char **text, struct error *e);

#endif
