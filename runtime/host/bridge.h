/*
 * bridge.h - between net and object, and between the objects of different
 * workers.
 *
 *   exchange --event--> router                reply --response--> exchange
 *   object --call--> object of the same worker, or a letter to another
 */
#ifndef HOST_BRIDGE_H
#define HOST_BRIDGE_H

#include "host/mail.h"
#include "net/port.h"
#include "object/port.h"

struct failure;
struct response;
struct worker;

/* What the server of `w` calls. */
struct net_handler bridge_net_handler(struct worker *w);
/* What a client gets when the router has failed with `f`, which is logged. */
struct response *bridge_answer_failure(struct worker *w,
                                       const struct failure *f);
/* Send the responses that have come since the last call, in their order. */
void bridge_answer(struct worker *w);
/* What the objects of a worker ask of their host; `host` is the worker. */
extern const struct host_ops bridge_host_ops;
/* Letters from other workers; they stay the caller's. */
void bridge_receive_call(struct worker *w, struct letter *l);
void bridge_receive_reply(struct worker *w, struct letter *l);

#endif
