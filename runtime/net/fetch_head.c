#include "net/fetch_head.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "wire/http_list.h"

static struct slice without_end(struct slice line)
{
    while (line.n != 0 &&
           (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    return line;
}

/* "HTTP/1.1 200 OK" or "HTTP/2 200 ": begins a head, whatever came before. */
static void read_status(struct fetch_head *h, struct slice line)
{
    if (line.n < 5 || memcmp(line.p, "HTTP/", 5) != 0)
        return;
    const char *space = memchr(line.p, ' ', line.n);

    h->text.n = 0;
    h->status = space == NULL ? 0 : atoi(space + 1);
}

int fetch_head_add(struct fetch_head *h, struct slice line)
{
    line = without_end(line);
    if (h->is_complete)
        return FETCH_HEAD_MORE;
    if (line.n == 0) {
        h->is_complete = h->status >= 200;
        return h->is_complete ? FETCH_HEAD_DONE : FETCH_HEAD_MORE;
    }
    read_status(h, line);
    if (h->text.n + line.n > FETCH_HEAD_MAX)
        return ERR_TOO_BIG;
    if (h->text.n != 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
        h->text.p[h->text.n - 1] = ' '; /* the line before goes on */
    buf_add_slice(&h->text, line);
    buf_add_byte(&h->text, '\0');
    return FETCH_HEAD_MORE;
}

/* The line at `*at` of the text; false at the end. */
static bool next_line(const struct fetch_head *h, size_t *at,
                      struct slice *line)
{
    if (*at >= h->text.n)
        return false;
    *line = slice_of(h->text.p + *at);
    *at += line->n + 1;
    return true;
}

static bool next_field(const struct fetch_head *h, size_t *at,
                       struct field *out)
{
    struct slice line;

    while (next_line(h, at, &line)) {
        const char *colon = memchr(line.p, ':', line.n);
        size_t n = colon == NULL ? 0 : (size_t)(colon - line.p);

        if (n == 0 || !http_list_is_token((struct slice){line.p, n}))
            continue; /* the status line, and what is none */
        out->name = (struct slice){line.p, n};
        out->value = slice_trim((struct slice){colon + 1, line.n - n - 1});
        return true;
    }
    return false;
}

struct slice fetch_head_find(const struct fetch_head *h, struct slice name)
{
    size_t at = 0;
    struct field f;

    while (next_field(h, &at, &f)) {
        if (slice_eq_nocase(f.name, name))
            return f.value;
    }
    return (struct slice){0};
}

static bool is_kept(struct slice name, bool is_unpacked)
{
    if (slice_eq_nocase(name, SLICE("connection")) ||
        slice_eq_nocase(name, SLICE("keep-alive")) ||
        slice_eq_nocase(name, SLICE("transfer-encoding")))
        return false;
    return !is_unpacked || !(slice_eq_nocase(name, SLICE("content-encoding")) ||
                             slice_eq_nocase(name, SLICE("content-length")));
}

/* What follows the number in the status line. */
static struct slice reason_of(const struct fetch_head *h)
{
    size_t at = 0;
    struct slice line = {0};

    next_line(h, &at, &line);
    const char *end = line.p + line.n;
    const char *number = line.n == 0 ? NULL : memchr(line.p, ' ', line.n);
    const char *reason =
        number == NULL ? NULL
                       : memchr(number + 1, ' ', (size_t)(end - number - 1));

    if (reason == NULL)
        return (struct slice){0};
    return slice_trim((struct slice){reason, (size_t)(end - reason)});
}

struct response *fetch_head_response(const struct fetch_head *h,
                                     struct slice url, struct body *body,
                                     bool is_unpacked)
{
    struct response rs = {.status = h->status, .url = url, .body = body};
    struct buf fields = {0};
    struct field f;
    size_t at = 0;

    while (next_field(h, &at, &f)) {
        if (!is_kept(f.name, is_unpacked))
            continue;
        buf_add(&fields, &f, sizeof(f));
        rs.field_count++;
    }
    rs.fields = (struct field *)(void *)fields.p;
    rs.reason = reason_of(h);
    struct response *built = response_build(&rs);

    buf_fini(&fields);
    return built;
}

void fetch_head_fini(struct fetch_head *h)
{
    buf_fini(&h->text);
    *h = (struct fetch_head){0};
}
