/*
 * chunks.h - a queue of bytes in blocks that several queues can share.
 *
 * The inside of body.h; blocks are counted, never copied on the way.  Only
 * bytes at the end of a block that one queue alone holds are written to.
 */
#ifndef BASE_CHUNKS_H
#define BASE_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct chunk; /* a block: chunks.c */

/* A run of a block's bytes in one queue. */
struct part {
    struct part *next;
    struct chunk *chunk; /* NULL: the embedded part is not in use */
    size_t at, end;      /* unread bytes of the block; at <= end */
};

/* Zero-initialized is a valid empty queue. */
struct chunks {
    struct part *head, *tail;
    size_t n;             /* bytes in the queue */
    struct part embedded; /* most queues never need a second one */
};

/* Append a copy of `p[0..n)`. */
void chunks_add(struct chunks *q, const void *p, size_t n);
/* Append the bytes of `b`, which is left empty, without copying them. */
void chunks_take(struct chunks *q, struct buf *b);
/* Append all bytes of `from`'s first run without copying them. */
void chunks_share(struct chunks *q, const struct chunks *from);
/* The first run, borrowed until it is skipped; empty when there is none. */
struct slice chunks_first(const struct chunks *q);
/* Drop the first `n` bytes, n <= the first run. */
void chunks_skip(struct chunks *q, size_t n);
/* Drop everything and free it. */
void chunks_clear(struct chunks *q);

#endif
