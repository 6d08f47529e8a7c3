#include "wire/http_reply.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* 1xx, 204 and 304 end with their head (RFC 9112, section 6.3). */
static bool is_bare(int status)
{
    return status < 200 || status == 204 || status == 304;
}

/* A Content-Length in the handler's answer to HEAD, -1 without one. */
static int64_t told_length(const struct response *rs)
{
    const struct field *f =
        fields_find(rs->fields, rs->field_count, SLICE("content-length"));
    int64_t length = 0;

    if (f == NULL || f->value.n == 0 || f->value.n > 18)
        return -1;
    for (size_t i = 0; i < f->value.n; i++) {
        if (f->value.p[i] < '0' || f->value.p[i] > '9')
            return -1;
        length = length * 10 + (f->value.p[i] - '0');
    }
    return length;
}

struct http_reply http_reply_plan(const struct response *rs,
                                  const struct http_terms *terms)
{
    struct http_reply plan = {.keep_alive = terms->keep_alive};

    if (is_bare(rs->status)) {
        plan.framing = HTTP_NO_BODY;
    } else {
        int64_t told = terms->is_head ? told_length(rs) : -1;

        plan.framing = HTTP_LENGTH;
        if (told >= 0)
            plan.length = told;
        else if (rs->body != NULL)
            plan.length = body_is_stream(rs->body) ? -1 : body_left(rs->body);
        if (plan.length < 0)
            plan.framing = terms->minor == 1 ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE;
        plan.has_body = rs->body != NULL && !terms->is_head;
    }
    if (plan.framing == HTTP_UNTIL_CLOSE)
        plan.keep_alive = false;
    plan.says_keep_alive = plan.keep_alive && terms->minor == 0;
    return plan;
}

bool http_reply_is_safe(struct slice s)
{
    return s.n == 0 ||
           (memchr(s.p, '\r', s.n) == NULL && memchr(s.p, '\n', s.n) == NULL &&
            memchr(s.p, '\0', s.n) == NULL);
}

bool http_reply_is_framing(struct slice name)
{
    switch (name.n) {
    case 4:
        return slice_eq_nocase(name, SLICE("date"));
    case 10:
        return slice_eq_nocase(name, SLICE("connection")) ||
               slice_eq_nocase(name, SLICE("keep-alive"));
    case 14:
        return slice_eq_nocase(name, SLICE("content-length"));
    case 17:
        return slice_eq_nocase(name, SLICE("transfer-encoding"));
    default:
        return false;
    }
}

/* Room is made once; these only move on. */
static char *put(char *at, struct slice s)
{
    if (s.n != 0)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_number(char *at, uint64_t n)
{
    char digits[20];
    size_t i = sizeof(digits);

    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    return put(at, (struct slice){digits + i, sizeof(digits) - i});
}

static char *put_framing(char *at, const struct http_reply *plan)
{
    if (plan->framing == HTTP_LENGTH) {
        at = put(at, SLICE("Content-Length: "));
        at = put_number(at, (uint64_t)plan->length);
        at = put(at, SLICE("\r\n"));
    } else if (plan->framing == HTTP_CHUNKED) {
        at = put(at, SLICE("Transfer-Encoding: chunked\r\n"));
    }
    if (plan->says_keep_alive)
        return put(at, SLICE("Connection: keep-alive\r\n"));
    return plan->keep_alive ? at : put(at, SLICE("Connection: close\r\n"));
}

static char *put_fields(char *at, const struct response *rs)
{
    for (uint32_t i = 0; i < rs->field_count; i++) {
        const struct field *f = &rs->fields[i];

        if (http_reply_is_framing(f->name) || !http_reply_is_safe(f->name) ||
            !http_reply_is_safe(f->value))
            continue;
        at = put(at, f->name);
        at = put(at, SLICE(": "));
        at = put(at, f->value);
        at = put(at, SLICE("\r\n"));
    }
    return at;
}

static size_t size_bound(const struct response *rs, struct slice reason)
{
    size_t size = 256 + reason.n; /* what is ours stays well below */

    for (uint32_t i = 0; i < rs->field_count; i++)
        size += rs->fields[i].name.n + rs->fields[i].value.n + 4;
    return size;
}

void http_reply_head(struct buf *out, const struct response *rs,
                     const struct http_reply *plan, struct slice date)
{
    struct slice reason = rs->reason;

    if (reason.n == 0 || !http_reply_is_safe(reason))
        reason = slice_of(status_reason(rs->status));
    char *start = buf_room(out, size_bound(rs, reason) + date.n);
    char *at = put(start, SLICE("HTTP/1.1 "));

    at = put_number(at, (uint64_t)rs->status);
    at = put(at, SLICE(" "));
    at = put(at, reason);
    at = put(at, SLICE("\r\nDate: "));
    at = put(at, date);
    at = put(at, SLICE("\r\n"));
    at = put_framing(at, plan);
    at = put_fields(at, rs);
    at = put(at, SLICE("\r\n"));
    out->n += (size_t)(at - start);
}

void http_chunk_line(struct buf *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char line[HTTP_CHUNK_LINE_MAX];
    size_t i = sizeof(line);

    line[--i] = '\n';
    line[--i] = '\r';
    do {
        line[--i] = digits[n & 15];
        n >>= 4;
    } while (n != 0);
    buf_add(out, line + i, sizeof(line) - i);
}

void http_date(int64_t wall_ms, char out[HTTP_DATE_SIZE + 1])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(wall_ms / 1000);
    char text[80];
    struct tm t = {0};

    gmtime_r(&seconds, &t);
    snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
             days + 3 * t.tm_wday, t.tm_mday, months + 3 * t.tm_mon,
             t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    memcpy(out, text, HTTP_DATE_SIZE);
    out[HTTP_DATE_SIZE] = '\0';
}
