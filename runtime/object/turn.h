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
/*
 * The task of `o` that runs is about to call.  If this returns true, nothing
 * that `o` did holds the call back, and the event of the next realm_deliver is
 * run there and then if its object has nothing else to do.  True for the first
 * call of a router's turn only: others shall have their turn as well.
 */
bool turn_begin_call(struct object *o);
void turn_end_call(struct object *o);
/* A task's wait is over (struct task's ready callback). */
void turn_task_ready(struct task *t);

#endif
