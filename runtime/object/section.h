/*
 * section.h - critical sections of an object: blockConcurrencyWhile and init.
 *
 *   outer events wait | section { its own function, timers, replies } | go on
 *
 * Sections nest: only what belongs to the innermost open one is delivered.
 * What is left of a finished section (timers, calls under way) belongs to the
 * one around it.  Reference-counted.
 */
#ifndef OBJECT_SECTION_H
#define OBJECT_SECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "object/timer.h"

enum { SECTION_DEPTH_MAX = 64 };

struct object;
struct event;

struct section {
    uint32_t refs;
    bool is_over;
    bool is_suspect;        /* chains shall be looked at in the next turn */
    uint64_t number;        /* its own in the realm */
    int depth;              /* 1.. */
    struct section *parent; /* held; NULL: the object itself */
    struct object *object;  /* NULL once the object is gone */
    struct event *event;    /* runs its function; owned until it begins */
    bool has_begun;
    struct timer timer; /* looks at chains, and ends the object after 30 s */
    uint64_t ends_ns;   /* when that is, of clock_mono_ns */
    uint64_t pause_ms;  /* until the next look */
    uint64_t looked_ns; /* the last one */
    struct list link;   /* among the object's waiting sections */
};

/* A section around `event` (taken over), below `parent` (NULL: none; is
 * resolved).  One reference, the caller's. */
struct section *section_new(struct object *o, struct section *parent,
                            struct event *event);
struct section *section_hold(struct section *s);
void section_drop(struct section *s); /* NULL is allowed */
/* `s`, the innermost of its object from now on, begins: it may last 30 s, then
 * the object is reset. */
void section_begin(struct section *s);
/* `s`, the innermost of `o`, is over: its function has returned or failed.
 * Drops its reference; the one around it is the innermost. */
void section_close(struct object *o, struct section *s);
/* A call waits for `s`, the innermost: it may wait for itself (chain.h). */
void section_suspect(struct section *s);
/* Outside turns: look at the chains of calls that wait. */
void section_look(struct section *s);
/* The innermost section around `s` that is not over: `s`, an outer one, or
 * NULL. */
struct section *section_resolve(struct section *s);
/* `outer` (NULL: the object itself; is resolved) is around `s`. */
bool section_contains(struct section *outer, const struct section *s);

#endif
