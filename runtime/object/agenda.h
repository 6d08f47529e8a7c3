/*
 * agenda.h - what an object does next: sections, tasks whose wait is over, its
 * own events, those from outside.  Looks only; turn.c does it.
 */
#ifndef OBJECT_AGENDA_H
#define OBJECT_AGENDA_H

#include <stdbool.h>

struct event;
struct object;
struct section;
struct task;

/* At most one of these is set. */
struct next {
    struct task *ready;
    struct event *spawned;
    struct event *mail;
};

/* The next waiting section that may open inside the innermost open one; NULL:
 * none.  It goes before everything else. */
struct section *agenda_section(const struct object *o);
/* First come, first served among tasks and events; what the object itself has
 * started goes before what comes from outside, but not for ever. */
void agenda_next(struct object *o, struct next *out);
/* Awake, with one event in the mailbox and nothing else to do or in its
 * way. */
bool agenda_is_free(const struct object *o);
/* There is something to do. */
bool agenda_has_more(const struct object *o);

#endif
