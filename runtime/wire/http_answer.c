#include "wire/http_answer.h"

#include <string.h>

#include "wire/http_list.h"

enum { STATUS_LINE_MIN = sizeof("HTTP/1.1 200") - 1 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_status(struct slice line, struct http_answer *out)
{
    const char *p = line.p;

    if (line.n < STATUS_LINE_MIN || memcmp(p, "HTTP/1.", 7) != 0 ||
        !is_digit(p[7]) || p[8] != ' ' || p[9] < '1' || !is_digit(p[9]) ||
        !is_digit(p[10]) || !is_digit(p[11]) ||
        (line.n > STATUS_LINE_MIN && p[12] != ' '))
        return ERR_PROTO;
    out->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    out->reason = slice_trim(
        (struct slice){p + STATUS_LINE_MIN, line.n - STATUS_LINE_MIN});
    return 0;
}

static int read_field(struct slice line, struct http_answer *out)
{
    const char *colon = memchr(line.p, ':', line.n);

    if (colon == NULL || memchr(line.p, '\0', line.n) != NULL ||
        memchr(line.p, '\r', line.n) != NULL)
        return ERR_PROTO;
    size_t n = (size_t)(colon - line.p);
    struct field f = {{line.p, n}, {colon + 1, line.n - n - 1}};

    f.value = slice_trim(f.value);
    if (!http_list_is_token(f.name))
        return ERR_PROTO;
    if (out->field_count == HTTP_ANSWER_FIELDS)
        return ERR_TOO_BIG;
    out->fields[out->field_count++] = f;
    return 0;
}

/* The line at `p[*at..n)` without its end; 1 when there is a whole one. */
static int next_line(const char *p, size_t n, size_t *at, struct slice *line)
{
    const char *end = memchr(p + *at, '\n', n - *at);

    if (end == NULL)
        return n > HTTP_ANSWER_MAX ? ERR_TOO_BIG : 0;
    size_t size = (size_t)(end - p) - *at;

    if (size == 0 || end[-1] != '\r')
        return ERR_PROTO;
    *line = (struct slice){p + *at, size - 1};
    *at += size + 1;
    return *at > HTTP_ANSWER_MAX ? ERR_TOO_BIG : 1;
}

int http_answer_parse(const char *p, size_t n, struct http_answer *out)
{
    size_t at = 0;
    struct slice line;
    int rc = next_line(p, n, &at, &line);

    out->field_count = 0;
    if (rc <= 0)
        return rc;
    rc = read_status(line, out);
    if (rc != 0)
        return rc;
    while ((rc = next_line(p, n, &at, &line)) > 0) {
        if (line.n == 0)
            return (int)at;
        rc = read_field(line, out);
        if (rc != 0)
            return rc;
    }
    return rc;
}
