/*
 * control.h - the socket in the data folder by which commands ask a running
 * server.
 *
 *   [thread] accept --> [thread] question --> rows, as fast as they are read
 *                            '--errand--> worker
 *
 * Only the owner of the folder may connect (mode 0600).  One question for each
 * connection (frames.h), a thread for each, so that an answer that nobody reads
 * holds up nothing else.
 */
#ifndef HOST_CONTROL_H
#define HOST_CONTROL_H

#include "base/err.h"

struct control;
struct node;

enum { CONTROL_MAX = 32 /* questions at a time; others are told so */ };

/* Listen in `folder`, whose lock the node holds: a socket that is there is left
 * from a process that is gone.  ERR_IO. */
int control_start(struct node *n, const char *folder, struct control **out,
                  struct error *err);
/* End every answer and remove the socket; before the workers end.  Blocks.
 * NULL is allowed. */
void control_stop(struct control *c);

#endif
