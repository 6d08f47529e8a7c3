/*
 * body.h - the bytes of an HTTP body on their way from one writer to one
 * reader, both on one thread.
 *
 *   writer --body_write--> [chunks, at most about high_water] --peek/consume-->
 * reader
 *          <--on_writable--                                  --on_readable-->
 *
 * OPEN --body_end--> ENDED, OPEN --body_fail--> FAILED, and the reader may
 * abandon at any time.  Reference-counted: each side holds one reference.
 * Not a network thing: it carries bytes between net and a script, and between
 * scripts.
 */
#ifndef BASE_BODY_H
#define BASE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum {
    BODY_HIGH_WATER = 64 * 1024,
    BODY_LAG_MAX = 16 * 1024 * 1024,
};

struct budget;

enum body_state { BODY_OPEN, BODY_ENDED, BODY_FAILED };

struct body; /* opaque: body.c */

typedef void (*body_cb)(struct body *b, void *arg);

/* A new open body with one reference.  `length` is the number of bytes that
 * will come in all, or -1 when unknown. */
struct body *body_new(int64_t length);
/* A complete body that copies `p[0..n)`. */
struct body *body_from(const void *p, size_t n);
/* A complete body that takes over the bytes of `b`, which is left empty. */
struct body *body_take(struct buf *b);

struct body *body_hold(struct body *b);
/* Give up one reference; NULL is allowed. */
void body_drop(struct body *b);
/* The caller's reference is the only one: the other side has left. */
bool body_is_lone(const struct body *b);

/* Writer: copy `p[0..n)` in.  Returns 0, or ERR_CLOSED when the reader has
 * abandoned (the bytes are dropped).  Always accepts; the writer stops while
 * body_is_full(). */
int body_write(struct body *b, const void *p, size_t n);
/* The same with the bytes of `bytes`, which is left empty: many are not copied
 * but taken over. */
int body_give(struct body *b, struct buf *bytes);
bool body_is_full(const struct body *b);
void body_end(struct body *b);
/* The rest will never come.  `err` is ERR_*. */
void body_fail(struct body *b, int err);
/* Call `cb` each time the body stops being full and when the reader abandons;
 * NULL removes it.  It may write, end, fail or drop. */
void body_on_writable(struct body *b, body_cb cb, void *arg);

/* Reader: `*out` is the first contiguous run of unread bytes, borrowed until
 * the next call on `b`; empty when there is none now. */
enum body_state body_peek(const struct body *b, struct slice *out);
/* Done with the first `n` unread bytes, n <= the peeked run.  May call the
 * writer's callback. */
void body_consume(struct body *b, size_t n);
/* Bytes written and not yet consumed. */
size_t body_buffered(const struct body *b);
/* Made without a length, as by a function that writes: to its reader it stays
 * of unknown length, also once all of it is there. */
bool body_is_stream(const struct body *b);
/* A complete body that came from such a one. */
void body_make_stream(struct body *b);
/* Count what `b` holds, now and later, in `budget` and nowhere else.  False,
 * and nothing is done: it does not fit. */
bool body_count(struct body *b, struct budget *budget);
/* Bytes in all as told to body_new, or known since the end; -1 otherwise. */
int64_t body_length(const struct body *b);
/* Bytes that the reader will yet get, buffered ones included; -1 unknown. */
int64_t body_left(const struct body *b);
/* ENDED or FAILED: nothing more will be written. */
bool body_is_over(const struct body *b);
/* ERR_* given to body_fail, 0 otherwise. */
int body_error(const struct body *b);
/* Call `cb` after each write, end and fail; NULL removes it.  It may consume
 * or drop. */
void body_on_readable(struct body *b, body_cb cb, void *arg);
/* The reader wants no more: buffered bytes go, later writes fail. */
void body_abandon(struct body *b);
bool body_is_abandoned(const struct body *b);

/* Split: both results give all bytes that `b` still has and will have, without
 * copying them; while `b` is open the slower one decides the pace.  One that
 * nobody has begun to read does not: it keeps BODY_LAG_MAX bytes, or less
 * where it is counted and that does not fit, and fails with ERR_LIMIT past
 * them.  Takes over the caller's reference to `b`. */
void body_tee(struct body *b, struct body **one, struct body **two);

#endif
