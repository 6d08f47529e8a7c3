/*
 * buf.h - a growable byte buffer, owned by whoever holds the struct.
 *
 * Zero-initialized is a valid empty buffer.  Growth is fatal without memory;
 * callers cap what peers and scripts may ask for.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
    char *p;    /* owned; NULL while cap is 0 */
    size_t n;   /* bytes used */
    size_t cap; /* bytes allocated */
};

/* Make room for `more` bytes after the used ones; returns where they begin. */
char *buf_room(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_slice(struct buf *b, struct slice s);
void buf_add_text(struct buf *b, const char *text);
void buf_add_byte(struct buf *b, int byte);
void buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Drop the first `n` bytes, n <= b->n. */
void buf_shift(struct buf *b, size_t n);
/* Free the bytes and leave an empty buffer. */
void buf_fini(struct buf *b);

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->p, b->n};
}

#endif
