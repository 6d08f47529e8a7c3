/*
 * idle.h - objects with nothing to do: they wait, give up spare memory, and
 * are put to sleep.
 *
 *   idle_settle --> idle --2 s--> resting --limits.idle_ms--> asleep
 *        '--woken by an alarm alone----------------------------^
 */
#ifndef OBJECT_IDLE_H
#define OBJECT_IDLE_H

struct object;

/* `o`, which is out of the run queue, has run: if it has nothing to do it waits
 * for its idle time to pass, or is gone afterwards. */
void idle_settle(struct object *o);
/* It has something to do, or sleeps: it is in none of the lists any more. */
void idle_end(struct object *o);

#endif
