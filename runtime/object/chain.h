/*
 * chain.h - chains of calls: who waits for whom, looked at when it matters.
 *
 *   section --its event--> call --> event elsewhere --> call --> ... --> event
 *      ^                                                               here
 *      '---------------- cannot begin before the section is over --------'
 *
 * Nothing is written down about chains while calls come and go.  A task that
 * waits knows its call, and where that went its event is found by number; so a
 * chain is followed from its beginning by a struct chase, object by object, to
 * other workers by letter.  There are four reasons to do so:
 *
 * CIRCLE  Calls wait for a critical section of their object.  If the section
 *         waits, over however many calls, for one of them, that one fails with
 *         code "deadlock"; a call of a function or target that came along with
 *         such a call is let into the section instead.
 * CANCEL  Nobody waits for an event any more: what it waits for itself and has
 *         not begun, and so on, fails with code "canceled".
 * DROP    A call's time is over: its event goes if it has not begun.
 * OLD     An object goes over to a new version of the script when its events
 *         have ended; what they wait for may not wait for that in its turn.
 *
 * What a chase has seen stays so until the call is answered or given up, hence
 * a circle that it finds is one, unless somebody gave up meanwhile.
 */
#ifndef OBJECT_CHAIN_H
#define OBJECT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/oid.h"

struct event;
struct object;
struct realm;
struct waited;

enum chase_kind { CHASE_CIRCLE, CHASE_CANCEL, CHASE_DROP, CHASE_OLD };

struct chase {
    enum chase_kind kind;
    /* The call whose event it looks for (struct reply), and where: */
    const void *caller;
    uint64_t number;
    void *home;      /* host_arg of a target's worker; NULL: that of `oid` */
    struct oid oid;  /* of the object */
    bool has_oid;    /* false: a router */
    uint32_t budget; /* events that it may yet look at */
    /* CIRCLE: where it began, and what it came by. */
    struct oid origin;
    uint64_t section; /* its number */
    struct buf path;
};

/* Calls wait for the open sections of `o`: look for circles.  Outside turns. */
void chain_look(struct object *o);
/* Let in what the events under way in `o`, which has an old version of the
 * script, wait for.  Outside turns. */
void chain_look_old(struct object *o);
/* Nobody waits for `e`, an event of `o` under way.  Anywhere. */
void chain_cancel(struct object *o, struct event *e);
/* The time of `call`, which has left, is over. */
void chain_drop(struct realm *r, const struct waited *call);
/* `c` (taken over) has come to the worker that it is for. */
void chain_arrive(struct realm *r, struct chase *c);
void chase_free(struct chase *c); /* NULL is allowed */

#endif
