/*
 * idle.h - objects with nothing to do: they wait, give up spare memory, and
 * are put to sleep.
 *
 *   idle_settle --> idle --250 ms--> resting --limits.idle_ms--> asleep
 */
#ifndef OBJECT_IDLE_H
#define OBJECT_IDLE_H

struct object;

/* `o`, which is out of the run queue, has run: if it has nothing to do it waits
 * for its idle time to pass, or is gone afterwards. */
void idle_settle(struct object *o);

#endif
