/*
 * multipart.h - multipart/form-data (RFC 7578) as parts: a pure function on
 * bytes.
 */
#ifndef BINDINGS_MULTIPART_H
#define BINDINGS_MULTIPART_H

#include "base/err.h"
#include "base/slice.h"

struct multipart {
    struct slice text;     /* the whole body */
    struct slice boundary; /* without the leading dashes */
    size_t at;             /* how far it is read */
};

/* Borrowed from the text; names still with their %22 escapes.  p == NULL: not
 * there. */
struct multipart_part {
    struct slice name, filename, type, data;
};

/* The value of the parameter `name` in a header value ("a; b=c; d=\"e\""),
 * without quotes; p == NULL when there is none. */
struct slice multipart_param(struct slice value, const char *name);
/* Prepare to read `text`.  ERR_INVALID: no boundary in the content type. */
int multipart_open(struct multipart *m, struct slice type, struct slice text,
                   struct error *err);
/* 1 and the next part, 0 at the end, or ERR_INVALID with the byte offset. */
int multipart_next(struct multipart *m, struct multipart_part *out,
                   struct error *err);

#endif
