/*
 * relay.h - an open body on its way from one worker to another.
 *
 *   writer -> body -> relay_out ==letters==> relay_in -> body -> reader
 *                        <== credit, abandon, over ==
 *
 * At most RELAY_WINDOW bytes are under way or unread.  The receiving end says
 * OVER when it has let go, and only then the sending end is freed.
 */
#ifndef HOST_RELAY_H
#define HOST_RELAY_H

#include "base/body.h"
#include "host/mail.h"

enum { RELAY_WINDOW = 256 * 1024 };

/* Take over the reference to `b` for a letter to `to`; nothing is sent before
 * the receiver gives credit. */
struct relay_out *relay_out_new(struct worker *self, struct worker *to,
                                struct body *b);
/* The receiving end of `out`: returns its body (one reference for the caller)
 * and gives credit. */
struct body *relay_in_new(struct worker *self, struct worker *from,
                          struct relay_out *out, int64_t length);
/* A LETTER_RELAY has come; `l` stays the caller's. */
void relay_receive(struct letter *l);

#endif
