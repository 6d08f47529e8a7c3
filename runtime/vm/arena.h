/*
 * arena.h - memory at addresses that follow from what was asked for: the same
 * requests in the same order get the same addresses, in every process.
 *
 * Lua hashes what is no number and no string by its address, so that the order
 * of pairs over such keys is that of addresses; in a world it has to be the
 * same each time.  Arenas lie at places of their own, the lowest free one
 * first; where these cannot be had (a machine that does not let memory be
 * reserved), an arena is elsewhere, or there is none, and that order is as it
 * comes.
 *
 * One thread.  Nothing goes back to the system before the end.
 */
#ifndef VM_ARENA_H
#define VM_ARENA_H

#include <stddef.h>

struct arena;

/* NULL when no room can be reserved. */
struct arena *arena_new(void);
/* With all that was taken; NULL is allowed. */
void arena_free(struct arena *a);
/* At least `n` bytes, aligned to a page when they are as many, else to 16; not
 * cleared.  NULL when the arena is full. */
void *arena_take(struct arena *a, size_t n);
/* Give `n` bytes back that were taken; p == NULL is allowed. */
void arena_give(struct arena *a, void *p, size_t n);
/* What `p` of `old` bytes becomes for `n`: moved, if need be.  NULL when the
 * arena is full; then `p` stays. */
void *arena_resize(struct arena *a, void *p, size_t old, size_t n);

#endif
