/* conn_step.h - what a connection does in each of its states. */
#ifndef NET_CONN_STEP_H
#define NET_CONN_STEP_H

#include "net/conn.h"

/* Do what the state asks for.  Returns true when something has changed, false
 * when nothing can be done until something comes.  For conn_run.
 * [may free c->exchange] */
bool conn_step(struct conn *c);

#endif
