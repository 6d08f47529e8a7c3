/*
 * bridge.h - between objects, of the same worker or of different ones.
 *
 *   object --call--> object of the same worker, or a letter to another
 */
#ifndef HOST_BRIDGE_H
#define HOST_BRIDGE_H

#include "host/mail.h"
#include "object/port.h"

struct worker;

/* What the objects of a worker ask of their host; `host` is the worker. */
extern const struct host_ops bridge_host_ops;
/* Letters from other workers; they stay the caller's. */
void bridge_receive_call(struct worker *w, struct letter *l);
void bridge_receive_reply(struct worker *w, struct letter *l);
void bridge_receive_chase(struct worker *w, struct letter *l);

#endif
