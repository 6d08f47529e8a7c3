/*
 * usage.h - what the objects in memory use, from one look to the next: which of
 * them the most.
 *
 *   usage_look: errands, part by part --> marks (by object), the first `count`
 *
 * A look holds up no object longer than for a part of the table.  Between two
 * looks 24 bytes are kept for each object.  A thread of its own.
 */
#ifndef HOST_USAGE_H
#define HOST_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/oid.h"
#include "object/survey.h"

struct node;
struct usage_mark;

enum usage_sort {
    USAGE_CPU,
    USAGE_EVENTS,
    USAGE_MEMORY,
    USAGE_SOCKETS,
    USAGE_SORTS
};

enum { USAGE_COUNT_MAX = 1000 };

extern const char *const usage_sorts[USAGE_SORTS]; /* "cpu", ... */

struct usage_object {
    struct oid id;          /* of a router: its worker's number */
    const char *class_name; /* of the node; NULL: a router */
    enum survey_state state;
    uint64_t cpu_ns, handled; /* since the look before */
    size_t memory, sockets;
};

struct usage {
    enum usage_sort sort;
    size_t count; /* at most USAGE_COUNT_MAX */
    /* Of the last look: the first ones, largest first; owned. */
    struct usage_object *first;
    size_t first_n;
    size_t objects, awake, sockets, memory; /* of all, routers apart */
    uint64_t handled, cpu_ns, took_ns; /* by the process, since the look before
                                          (0: it was the first) */
    /* usage.c's own. */
    struct usage_mark *marks; /* owned; by object */
    size_t mark_n;
    uint64_t handled_ever, process_ns, at_ns;
};

/* `sort` and `count` are set, all else zeroed. */
void usage_fini(struct usage *u);
/* Look at all objects.  Returns false when the node ends.  Blocks. */
bool usage_look(struct node *n, struct usage *u);

#endif
