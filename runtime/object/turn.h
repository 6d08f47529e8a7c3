/*
 * turn.h - one turn of an object: the piece between two waits, with its
 * transaction and its outbox.
 */
#ifndef OBJECT_TURN_H
#define OBJECT_TURN_H

#include <stdbool.h>

struct object;
struct task;

/* Run the next thing that `o` has to do, if any: wake it, go on with a task,
 * or begin an event; then commit and send.  Returns whether there is more. */
bool turn_run(struct object *o);
/* A task's wait is over (struct task's ready callback). */
void turn_task_ready(struct task *t);

#endif
