/*
 * http_reply.h - the head of an HTTP/1 response and the frames of its body:
 * struct -> bytes.  Pure.
 */
#ifndef WIRE_HTTP_REPLY_H
#define WIRE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/message.h"

enum http_framing {
    HTTP_NO_BODY,     /* nothing follows and nothing is said of a length */
    HTTP_LENGTH,      /* Content-Length */
    HTTP_CHUNKED,     /* Transfer-Encoding: chunked */
    HTTP_UNTIL_CLOSE, /* to an HTTP/1.0 client, length unknown */
};

struct http_reply {
    enum http_framing framing;
    int64_t length;       /* with HTTP_LENGTH */
    bool has_body;        /* the bytes follow the head: not after HEAD */
    bool keep_alive;      /* the connection stays */
    bool says_keep_alive; /* an HTTP/1.0 client must be told */
};

/* What the client's request allows. */
struct http_terms {
    bool is_head;    /* the request's method was HEAD */
    int minor;       /* of its version */
    bool keep_alive; /* wanted by both sides so far */
};

/* Decide how `rs` goes out. */
struct http_reply http_reply_plan(const struct response *rs,
                                  const struct http_terms *terms);

/* Append status line, fields and empty line to `out`.  Framing fields of `rs`
 * (exchange.h) and fields that hold CR, LF or NUL are left out.  `date` is the
 * value of Date. */
void http_reply_head(struct buf *out, const struct response *rs,
                     const struct http_reply *plan, struct slice date);

/* The field of that name is the connection's to write. */
bool http_reply_is_framing(struct slice name);
/* No CR, LF or NUL. */
bool http_reply_is_safe(struct slice s);

enum { HTTP_CHUNK_LINE_MAX = 20 };

/* Append the line before a chunk of `n` bytes, n > 0; CRLF follows the data. */
void http_chunk_line(struct buf *out, size_t n);

enum { HTTP_DATE_SIZE = 29 };

/* Write `wall_ms` as "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. */
void http_date(int64_t wall_ms, char out[HTTP_DATE_SIZE + 1]);

#endif
