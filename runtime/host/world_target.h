/*
 * world_target.h - functions by reference between a world's objects and the
 * test (object/target.h): the test's own, and those of objects that it holds.
 */
#ifndef HOST_WORLD_TARGET_H
#define HOST_WORLD_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "object/target.h"

struct world;

/* A function (or table) of the test: its calls become asks (WORLD_ASK_CALL),
 * with its number in event.target.  The reference is the caller's to give away;
 * NULL when TARGETS_MAX of them are held. */
struct target *world_target_new(struct world *w, bool is_function);
/* Its number when `t` is one of those, else 0. */
uint64_t world_target_number(const struct world *w, const struct target *t);
/* The number of one that nobody refers to any more, which is forgotten; 0:
 * there is none. */
uint64_t world_target_lost(struct world *w);

/* The test's reference to a function of an object; the caller's memory. */
struct world_ref {
    struct list link;
    struct target *target; /* NULL: released, or its world fell */
};

/* `t`'s reference is taken over. */
void world_ref_init(struct world *w, struct world_ref *r, struct target *t);
void world_ref_release(struct world_ref *r); /* twice is allowed */

#endif
