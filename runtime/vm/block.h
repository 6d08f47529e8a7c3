/*
 * block.h - one piece of memory in which a state has its first values, and
 * what becomes free there.  Private to vm/.
 *
 * A state that was copied from an image (image.h) has all that it begins with
 * in one block, the struct vm in front; what it frees of that is used again
 * before anything is asked of malloc.  A state without a block has `n` 0.
 */
#ifndef VM_BLOCK_H
#define VM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pieces are multiples of BLOCK_UNIT; holes of at most BLOCK_SMALL bytes are
 * kept by size. */
enum { BLOCK_UNIT = 8, BLOCK_SMALL = 128 };
enum { BLOCK_LISTS = BLOCK_SMALL / BLOCK_UNIT + 1 };

struct block {
    char *begin; /* borrowed */
    size_t n;    /* bytes in all */
    size_t used; /* from here on nothing was given yet */
    /* By size in units; the first list has those over BLOCK_SMALL. */
    void *holes[BLOCK_LISTS];
    bool is_clean; /* what becomes free is zeroed */
};

static inline size_t block_round(size_t n)
{
    return (n + BLOCK_UNIT - 1) / BLOCK_UNIT * BLOCK_UNIT;
}

/* Whether `p` (NULL is allowed) was given by the block. */
static inline bool block_has(const struct block *b, const void *p)
{
    return (uintptr_t)p - (uintptr_t)b->begin < b->n;
}

/* `n` bytes, aligned to BLOCK_UNIT; NULL when there is no room for them. */
void *block_take(struct block *b, size_t n);
/* Take back the `n` bytes at `p`. */
void block_give(struct block *b, void *p, size_t n);
/* Take back the end of a piece: `n` of its `old` bytes stay. */
void block_shrink(struct block *b, void *p, size_t old, size_t n);

#endif
