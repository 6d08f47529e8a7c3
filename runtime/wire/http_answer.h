/*
 * http_answer.h - the head of an HTTP/1.1 response as a client gets it:
 * bytes -> struct.
 *
 * For the handshakes that we make ourselves; what mk.fetch gets, libcurl reads.
 * Pure: nothing is kept or copied.  Only CRLF ends a line, no folded fields.
 */
#ifndef WIRE_HTTP_ANSWER_H
#define WIRE_HTTP_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/message.h"

enum {
    HTTP_ANSWER_MAX = 32 * 1024,
    HTTP_ANSWER_FIELDS = 256,
};

/* Slices borrow from the parsed bytes. */
struct http_answer {
    int status; /* 100..999 */
    struct slice reason;
    uint32_t field_count;
    struct field fields[HTTP_ANSWER_FIELDS];
};

/*
 * Read the head at the start of `p[0..n)` into `*out`.
 *
 * Returns its size in bytes, up to and with the empty line; 0 when more bytes
 * are needed; ERR_TOO_BIG past the sizes above; or ERR_PROTO when it is none.
 */
int http_answer_parse(const char *p, size_t n, struct http_answer *out);

#endif
