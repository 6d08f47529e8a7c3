/*
 * target.h - functions and tables of one object's state that others hold by
 * reference (API.md, sections 4 and 10).
 *
 *   home: value <--number--> target <--one reference each-- event, outcome,
 *                              ^                            userdata, call
 *                              '-- one reference: the home's own
 *
 * A target is shared by all who refer to it, on whatever thread: they touch its
 * count and what never changes, nothing else.  Whoever has a reference may give
 * a second one away and keep his own, so that passing on needs no word with
 * the home.  What travels takes its references along (struct targets): what is
 * never delivered gives them back by being freed.
 *
 * When all references but the home's are gone the home is told, by a letter,
 * and looks again: it may have given one away meanwhile.  Numbers are never
 * used twice, so that a letter that comes late finds nothing.  The home keeps
 * its object awake until then; when the object loses its state the home's
 * reference goes at once, and calls that come find no such number.
 */
#ifndef OBJECT_TARGET_H
#define OBJECT_TARGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/oid.h"
#include "base/table.h"

struct event;
struct object;
struct realm;

/* So many of one object may be held elsewhere. */
enum { TARGETS_MAX = 10000 };

struct target {
    atomic_uint refs;
    /* These never change. */
    void *host; /* the home's host_arg */
    void (*lost)(void *host, uint64_t number);
    uint64_t number; /* in the home's realm, from 1 */
    bool is_function;
    bool has_oid; /* false: of a router */
    struct oid oid;
    /* The home's thread alone. */
    struct object *object; /* NULL: its state is gone */
    struct list link;      /* object.targets */
    UT_hash_handle hh;     /* realm.targets, by number */
};

/* A new target of `o`, awake and below TARGETS_MAX; the reference is the
 * home's. */
struct target *target_new(struct object *o, bool is_function);
/* One reference more, of one's own; one less.  Any thread, in the midst of
 * anything. */
struct target *target_hold(struct target *t);
void target_drop(struct target *t);

/* ---- at the home ---- */

/* The target of that number while its state lives, else NULL. */
struct target *target_find(const struct realm *r, uint64_t number);
/* realm_trim */
void targets_trim(struct realm *r);
/* host_ops.target_lost was called: forget the value unless it was sent again
 * meanwhile. */
void target_lost(struct realm *r, uint64_t number);
/* Deliver a call (taken over) of e->target: fails with code "reset" when that
 * state is gone. */
void target_deliver(struct realm *r, struct event *e);
/* The state of `o` goes: so do its targets.  Calls of them that have not begun
 * move to `calls`, to be failed once the state is gone. */
void target_end_all(struct object *o, struct list *calls);
void target_fail(struct list *calls);

/* ---- on the way ---- */

/* The targets that encoded values refer to, by their places in here. */
struct targets {
    struct target **items; /* NULL: taken */
    uint32_t n;
};

/* Add `t`, whose reference is taken over; returns its place. */
uint32_t targets_add(struct targets *s, struct target *t);
/* Hand over the reference at `place`, NULL when there is none. */
struct target *targets_take(struct targets *s, uint32_t place);
/* The one at `place`, still its own; NULL when there is none. */
struct target *targets_at(const struct targets *s, uint32_t place);
/* Give back what nobody took, and be empty. */
void targets_fini(struct targets *s);

#endif
