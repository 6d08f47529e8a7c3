/*
 * http_head.h - the head of an HTTP/1 request: bytes -> struct.
 *
 * Pure: no state is kept between calls and nothing is copied.  Stricter than
 * the grammar's tolerances wherever two readers of the same bytes could come
 * to different ends (RFC 9112, section 11.2): only CRLF ends a line, no folded
 * fields, no space around names, one Host, one length.
 */
#ifndef WIRE_HTTP_HEAD_H
#define WIRE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/message.h"
#include "base/slice.h"

enum {
    HTTP_HEAD_MAX = 32 * 1024,           /* bytes; past it 431 */
    HTTP_URL_MAX = 16 * 1024,            /* bytes of the target; past it 414 */
    HTTP_FIELDS_MAX = HTTP_HEAD_MAX / 4, /* "a:\r\n": no more can fit */
};

/* Slices borrow from the parsed bytes.  Large: one for many connections. */
struct http_head {
    struct slice method;
    struct slice scheme;    /* "http", or "https" in an absolute target */
    struct slice authority; /* empty: HTTP/1.0 without Host */
    struct slice target;    /* from the path on; may lack the first '/' */
    int minor;              /* HTTP/1.`minor`: 0 or 1 */
    bool keep_alive;        /* the client lets the connection stay */
    bool expects_continue;  /* and waits for 100 before it sends the body */
    bool is_chunked;        /* the body comes in chunks */
    int64_t length;         /* of the body; -1 when chunked, 0 without one */
    int status;             /* after ERR_PROTO: what to answer before closing */
    uint32_t field_count;
    struct field fields[HTTP_FIELDS_MAX];
};

/*
 * Read the head at the start of `p[0..n)` into `*out`.
 *
 * seen  number of bytes at `p` that an earlier call already found too few, 0
 *       at the first; makes drop-by-drop input cheap
 *
 * Returns the head's size in bytes, up to and with its empty line; 0 when more
 * bytes are needed; or ERR_PROTO with `out->status` set: 400, 414, 417
 * (an expectation that is not known), 431, 501 (a method or transfer coding
 * that is not known), 505.
 */
int http_head_parse(const char *p, size_t n, size_t seen,
                    struct http_head *out);

/*
 * Write the absolute URL of the request to `out`, which is emptied first.
 * `otherwise` is the authority to use when the head has none.  Returns the
 * part from the path on, borrowed from `out`.  The target of `OPTIONS *`
 * becomes a path of a slash and a star.
 */
struct slice http_head_url(const struct http_head *head, struct slice otherwise,
                           struct buf *out);

#endif
