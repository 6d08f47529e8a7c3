/*
 * wake.h - how an object gets its state, and what becomes of the event that
 * wanted it when it does not.
 */
#ifndef OBJECT_WAKE_H
#define OBJECT_WAKE_H

#include <stdbool.h>

struct object;
struct outcome;

/* Make the state of `o`, which sleeps and has mail; `init` has not run.
 * Returns whether it is AWAKE; else the first event has failed. */
bool wake_open(struct object *o);
/* The first event in the mailbox, the one that woke the object, has come to
 * `outcome` (a failure), which is taken over. */
void wake_fail_first(struct object *o, struct outcome *outcome);
/* The object cannot be woken, which is not the script's fault: the first event
 * fails, as one that may be tried again; an alarm is. */
void wake_put_off(struct object *o, const char *text);

#endif
