#include "base/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t fields_size(const struct field *f, uint32_t count)
{
    size_t size = count * sizeof(*f);

    for (uint32_t i = 0; i < count; i++)
        size += f[i].name.n + f[i].value.n;
    return size;
}

/* Copy `s` to `*at`, move `*at` behind it, and return where it is now. */
static struct slice place(char **at, struct slice s)
{
    struct slice copy = {*at, s.n};

    if (s.n != 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

/* The array comes first, so that it is aligned; the text follows. */
static struct field *place_fields(char **at, const struct field *f,
                                  uint32_t count)
{
    struct field *copy = (struct field *)(void *)*at;

    *at += count * sizeof(*f);
    for (uint32_t i = 0; i < count; i++) {
        copy[i].name = place(at, f[i].name);
        copy[i].value = place(at, f[i].value);
    }
    return copy;
}

size_t request_size(const struct request *src)
{
    return sizeof(*src) + fields_size(src->fields, src->field_count) +
           (src->url.n + (src->target.n + src->method.n));
}

static struct request *fill_request(struct request *rq,
                                    const struct request *src)
{
    char *at = (char *)(rq + 1);

    *rq = *src;
    rq->fields = place_fields(&at, src->fields, src->field_count);
    rq->method = place(&at, src->method);
    rq->url = place(&at, src->url);
    rq->target = place(&at, src->target);
    return rq;
}

struct request *request_build(const struct request *src)
{
    struct request *rq = fill_request(mem_alloc(request_size(src)), src);

    rq->refs = 1;
    return rq;
}

struct request *request_place(void *at, const struct request *src)
{
    struct request *rq = fill_request(at, src);

    rq->body = NULL;
    return rq;
}

struct request *request_hold(struct request *rq)
{
    rq->refs++;
    return rq;
}

void request_drop(struct request *rq)
{
    if (rq == NULL || --rq->refs != 0)
        return;
    body_drop(rq->body);
    free(rq);
}

size_t response_size(const struct response *src)
{
    return sizeof(*src) + fields_size(src->fields, src->field_count) +
           (src->reason.n + src->url.n);
}

static struct response *fill_response(struct response *rs,
                                      const struct response *src)
{
    char *at = (char *)(rs + 1);

    *rs = *src;
    rs->fields = place_fields(&at, src->fields, src->field_count);
    rs->reason = place(&at, src->reason);
    rs->url = place(&at, src->url);
    return rs;
}

struct response *response_build(const struct response *src)
{
    struct response *rs = fill_response(mem_alloc(response_size(src)), src);

    rs->refs = 1;
    return rs;
}

struct response *response_place(void *at, const struct response *src)
{
    struct response *rs = fill_response(at, src);

    rs->body = NULL;
    rs->socket = NULL;
    return rs;
}

struct response *response_text(int status, struct slice text)
{
    struct field type = {SLICE("Content-Type"),
                         SLICE("text/plain;charset=UTF-8")};

    return response_build(
        &(struct response){.status = status,
                           .field_count = 1,
                           .fields = &type,
                           .body = body_from(text.p, text.n)});
}

struct response *response_hold(struct response *rs)
{
    rs->refs++;
    return rs;
}

void response_drop(struct response *rs)
{
    if (rs == NULL || --rs->refs != 0)
        return;
    body_drop(rs->body);
    if (rs->socket != NULL)
        rs->socket->drop(rs->socket);
    free(rs);
}

const struct field *fields_find(const struct field *f, uint32_t count,
                                struct slice name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slice_eq_nocase(f[i].name, name))
            return &f[i];
    }
    return NULL;
}

#define STATUS_MAP(X)                                                          \
    X(100, "Continue")                                                         \
    X(101, "Switching Protocols")                                              \
    X(200, "OK")                                                               \
    X(201, "Created")                                                          \
    X(202, "Accepted")                                                         \
    X(203, "Non-Authoritative Information")                                    \
    X(204, "No Content")                                                       \
    X(205, "Reset Content")                                                    \
    X(206, "Partial Content")                                                  \
    X(300, "Multiple Choices")                                                 \
    X(301, "Moved Permanently")                                                \
    X(302, "Found")                                                            \
    X(303, "See Other")                                                        \
    X(304, "Not Modified")                                                     \
    X(307, "Temporary Redirect")                                               \
    X(308, "Permanent Redirect")                                               \
    X(400, "Bad Request")                                                      \
    X(401, "Unauthorized")                                                     \
    X(402, "Payment Required")                                                 \
    X(403, "Forbidden")                                                        \
    X(404, "Not Found")                                                        \
    X(405, "Method Not Allowed")                                               \
    X(406, "Not Acceptable")                                                   \
    X(407, "Proxy Authentication Required")                                    \
    X(408, "Request Timeout")                                                  \
    X(409, "Conflict")                                                         \
    X(410, "Gone")                                                             \
    X(411, "Length Required")                                                  \
    X(412, "Precondition Failed")                                              \
    X(413, "Content Too Large")                                                \
    X(414, "URI Too Long")                                                     \
    X(415, "Unsupported Media Type")                                           \
    X(416, "Range Not Satisfiable")                                            \
    X(417, "Expectation Failed")                                               \
    X(421, "Misdirected Request")                                              \
    X(422, "Unprocessable Content")                                            \
    X(426, "Upgrade Required")                                                 \
    X(428, "Precondition Required")                                            \
    X(429, "Too Many Requests")                                                \
    X(431, "Request Header Fields Too Large")                                  \
    X(500, "Internal Server Error")                                            \
    X(501, "Not Implemented")                                                  \
    X(502, "Bad Gateway")                                                      \
    X(503, "Service Unavailable")                                              \
    X(504, "Gateway Timeout")                                                  \
    X(505, "HTTP Version Not Supported")

const char *status_reason(int status)
{
    switch (status) {
#define X(number, text)                                                        \
    case number:                                                               \
        return text;
        STATUS_MAP(X)
#undef X
    default:
        return "";
    }
}
