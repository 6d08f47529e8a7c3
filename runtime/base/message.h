/*
 * message.h - an HTTP request and an HTTP response as plain data.
 *
 * The one form that wire, net, object, bindings and host agree on.  Both are
 * reference-counted, belong to one thread, and hold head and fields in a
 * single allocation; they are not changed after they were built, but for
 * what is noted below.
 */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stdint.h>

#include "base/body.h"
#include "base/slice.h"

/* One header field; the name as it came, compared without case. */
struct field {
    struct slice name, value;
};

enum { MESSAGE_IP_MAX = 46 };

struct request {
    uint32_t refs;
    uint32_t field_count;
    struct slice method; /* "GET" */
    struct slice url;    /* absolute: "http://host:port/path?query" */
    struct slice target; /* url from its path on, without fragment */
    struct field *fields;
    struct body *body;       /* owned; NULL without one */
    char ip[MESSAGE_IP_MAX]; /* of the client, text; "" when there is none */
};

/* One end of a WebSocket on its way to whoever takes it; may go to another
 * thread with the response that has it.  `host` and `socket` name the end that
 * stays behind: a worker and the number of a socket of its realm. */
struct ticket {
    void *host;
    uint64_t socket;
    /* Nobody takes it: frees it, and the end that stays learns of it. */
    void (*drop)(struct ticket *t);
};

struct response {
    uint32_t refs;
    uint32_t field_count;
    int status;          /* 101, 200..599 */
    struct slice reason; /* empty: the standard one */
    struct slice url;    /* that it came from, after redirects; or empty */
    struct field *fields;
    struct body *body;     /* owned; NULL without one */
    struct ticket *socket; /* owned; with 101: the other end, else NULL */
};

/* Build a request with one reference; every slice is copied, the reference to
 * `src->body` (and `src->socket` of a response) is taken over.  `src->refs` is
 * ignored. */
struct request *request_build(const struct request *src);
/* What request_place needs. */
size_t request_size(const struct request *src);
/* The same at `at`, aligned for pointers, which has request_size(src) bytes and
 * belongs to the caller: without a body, never held or dropped. */
struct request *request_place(void *at, const struct request *src);
struct request *request_hold(struct request *rq);
void request_drop(struct request *rq); /* NULL is allowed */

struct response *response_build(const struct response *src);
/* As request_size and request_place; without body and socket. */
size_t response_size(const struct response *src);
struct response *response_place(void *at, const struct response *src);
/* A response with a text/plain body, as the runtime itself answers. */
struct response *response_text(int status, struct slice text);
struct response *response_hold(struct response *rs);
void response_drop(struct response *rs); /* NULL is allowed */

/* The first field of that name, or NULL. */
const struct field *fields_find(const struct field *f, uint32_t count,
                                struct slice name);
/* The standard reason phrase of `status` (RFC 9110, section 15), or "". */
const char *status_reason(int status);

#endif
