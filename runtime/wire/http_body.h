/*
 * http_body.h - where the body of a request ends, and its bytes without the
 * framing.  Pure: fed with whatever came, in any cuts.
 *
 * Chunks are read here and not by llhttp, which forgives a carriage return on
 * its own in them.
 */
#ifndef WIRE_HTTP_BODY_H
#define WIRE_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { HTTP_EXTENSIONS_MAX = 16 * 1024, HTTP_TRAILERS_MAX = 32 * 1024 };

struct http_body {
    uint8_t step;   /* where in the framing: http_body.c */
    uint8_t digits; /* of the chunk size so far */
    uint32_t extra; /* bytes of extensions or trailers to be held against it */
    uint64_t left;  /* bytes to come of the body or of this chunk */
};

/* A body of `length` bytes, 0 or more, or (-1) in chunks. */
void http_body_init(struct http_body *b, int64_t length);

/*
 * Take the next bytes from the front of `*in`; what was taken is cut off.
 *
 * data  set to the next run of the body's bytes, borrowed from `*in`; empty
 *       only when the input is used up or the body is done
 *
 * Returns 0 or ERR_PROTO.  Bytes behind the end of the body are not taken.
 * Extensions and trailers are read and ignored, within the bounds above
 * (extensions may grow with the data beside them).
 */
int http_body_next(struct http_body *b, struct slice *in, struct slice *data);
bool http_body_is_done(const struct http_body *b);
/* Bytes still to come; -1 when that is not known. */
int64_t http_body_left(const struct http_body *b);

#endif
