/*
 * idle.h - objects with nothing to do: they wait, give up spare memory, and
 * are put to sleep.
 *
 *   idle_settle --> idle --250 ms--> resting --limits.idle_ms--> asleep
 *        '--woken by an alarm alone--> leaving --on disk------------^
 */
#ifndef OBJECT_IDLE_H
#define OBJECT_IDLE_H

struct object;
struct realm;

/* `o`, which is out of the run queue, has run: if it has nothing to do it waits
 * for its idle time to pass, or is gone afterwards. */
void idle_settle(struct object *o);
/* It has something to do, or sleeps: it is in none of the lists any more. */
void idle_end(struct object *o);
/* What was written may be on disk by now: some of those that waited for that
 * are put into the run queue, to sleep when it is their turn. */
void idle_leave(struct realm *r);

#endif
