#include "wire/http_fields.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "wire/http_authority.h"

enum { LENGTH_DIGITS_MAX = 18 };

/* The fields that decide something; at most one of each may come. */
struct found {
    struct field *host, *length, *coding, *expect;
};

static int fail(struct http_head *head, int status)
{
    head->status = status;
    return ERR_PROTO;
}

static int take(struct field **slot, struct field *f, const char *name)
{
    if (strncasecmp(f->name.p, name, f->name.n) != 0)
        return 0;
    if (*slot != NULL)
        return ERR_PROTO;
    *slot = f;
    return 0;
}

static int find(struct http_head *head, struct found *found)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        struct field *f = &head->fields[i];
        int rc = 0;

        switch (f->name.n) {
        case 4:
            rc = take(&found->host, f, "host");
            break;
        case 6:
            rc = take(&found->expect, f, "expect");
            break;
        case 14:
            rc = take(&found->length, f, "content-length");
            break;
        case 17:
            rc = take(&found->coding, f, "transfer-encoding");
            break;
        default:
            break;
        }
        if (rc != 0)
            return fail(head, 400);
    }
    return 0;
}

static int read_length(struct http_head *head, struct slice text)
{
    int64_t length = 0;

    if (text.n == 0 || text.n > LENGTH_DIGITS_MAX)
        return fail(head, 400);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return fail(head, 400);
        length = length * 10 + (text.p[i] - '0');
    }
    head->length = length;
    return 0;
}

/* Chunked, once, is the only coding.  "chunked" elsewhere than alone makes the
 * end of the body uncertain; any other coding is merely unknown. */
static int read_coding(struct http_head *head, struct slice text)
{
    static const struct slice chunked = {"chunked", 7};

    if (head->minor == 0)
        return fail(head, 400);
    if (!slice_eq_nocase(text, chunked)) {
        bool ends_well =
            text.n > chunked.n &&
            strncasecmp(text.p + text.n - chunked.n, "chunked", chunked.n) == 0;
        bool has_two = text.n > chunked.n &&
                       strncasecmp(text.p, "chunked", chunked.n) == 0;
        return fail(head, ends_well && !has_two ? 501 : 400);
    }
    head->is_chunked = true;
    head->length = -1;
    return 0;
}

static int read_body(struct http_head *head, const struct found *found)
{
    head->length = 0;
    head->is_chunked = false;
    if (found->length != NULL && found->coding != NULL)
        return fail(head, 400);
    if (found->length != NULL)
        return read_length(head, found->length->value);
    if (found->coding != NULL)
        return read_coding(head, found->coding->value);
    return 0;
}

static int read_expect(struct http_head *head, const struct found *found)
{
    head->expects_continue = false;
    if (found->expect == NULL || head->minor == 0)
        return 0;
    if (!slice_eq_nocase(found->expect->value, SLICE("100-continue")))
        return fail(head, 417);
    head->expects_continue = head->length != 0;
    return 0;
}

/* Bytes that would be cut off or read differently by others. */
static bool is_clean(struct slice target)
{
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];

        if (c <= ' ' || c == 0x7f || c == '#')
            return false;
    }
    return true;
}

static bool starts_with(struct slice s, const char *text, size_t n)
{
    return s.n >= n && strncasecmp(s.p, text, n) == 0;
}

/* "http://host:port/path?query": the authority replaces Host. */
static int read_absolute(struct http_head *head, const struct found *found)
{
    struct slice t = head->target;
    size_t at = 0;

    if (starts_with(t, "http://", 7))
        at = 7;
    else if (starts_with(t, "https://", 8))
        at = 8;
    else
        return fail(head, 400);
    size_t end = at;

    while (end < t.n && t.p[end] != '/' && t.p[end] != '?')
        end++;
    head->scheme = at == 8 ? SLICE("https") : SLICE("http");
    head->authority = (struct slice){t.p + at, end - at};
    head->target = (struct slice){t.p + end, t.n - end};
    if (!http_authority_is_valid(head->authority))
        return fail(head, 400);
    if (found->host != NULL)
        found->host->value = head->authority;
    return 0;
}

static int read_target(struct http_head *head, const struct found *found)
{
    bool is_star = slice_eq(head->target, SLICE("*"));

    head->scheme = SLICE("http");
    head->authority =
        found->host != NULL ? found->host->value : (struct slice){0};
    if (slice_eq(head->method, SLICE("CONNECT")))
        return fail(head, 501);
    if (!is_clean(head->target))
        return fail(head, 400);
    if (found->host == NULL && head->minor == 1)
        return fail(head, 400);
    if (found->host != NULL && !http_authority_is_valid(head->authority))
        return fail(head, 400);
    if (is_star)
        return slice_eq(head->method, SLICE("OPTIONS")) ? 0 : fail(head, 400);
    return head->target.p[0] == '/' ? 0 : read_absolute(head, found);
}

int http_fields_read(struct http_head *head)
{
    struct found found = {0};
    int rc = find(head, &found);

    if (rc == 0)
        rc = read_target(head, &found);
    if (rc == 0)
        rc = read_body(head, &found);
    return rc != 0 ? rc : read_expect(head, &found);
}
