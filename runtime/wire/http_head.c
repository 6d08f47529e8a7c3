#include "wire/http_head.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/http_authority.h"
#include "wire/http_fields.h"

enum {
    EMPTY_LINES_MAX = 2, /* before the request line, from careless clients */
    METHOD_MAX = 32,     /* bytes of a method that we do not know */
    LINE_EXTRA = METHOD_MAX + sizeof(" HTTP/1.1\r\n"),
};

/* What llhttp tells while it goes over a head. */
struct pass {
    struct http_head *head;
    struct slice url;
    int major, minor;
    bool is_complete;
};

static int fail(struct http_head *head, int status)
{
    head->status = status;
    return ERR_PROTO;
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    struct pass *pass = parser->data;

    pass->url = (struct slice){at, n};
    return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t n)
{
    struct http_head *head = ((struct pass *)parser->data)->head;

    if (head->field_count == HTTP_FIELDS_MAX)
        return HPE_USER;
    head->fields[head->field_count++].name = (struct slice){at, n};
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct pass *pass = parser->data;

    pass->is_complete = true;
    pass->major = llhttp_get_http_major(parser);
    pass->minor = llhttp_get_http_minor(parser);
    pass->head->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED; /* the body is not llhttp's */
}

static const llhttp_settings_t full_pass = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_headers_complete = on_complete,
};

static int on_complete_first(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t first_pass = {
    .on_headers_complete = on_complete_first,
};

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* A method that llhttp does not know: 501 when it is one, 400 for anything
 * else, 0 while that cannot be told. */
static int unknown_method(const char *p, size_t n)
{
    for (size_t i = 0; i < n && i < METHOD_MAX; i++) {
        if (p[i] == ' ' && i != 0)
            return 501;
        if (!is_token_char(p[i]))
            return 400;
    }
    return n < METHOD_MAX ? 0 : 400;
}

static bool is_version_known(int major, int minor)
{
    return major == 1 && (minor == 0 || minor == 1);
}

/* What to answer after llhttp's verdict on `p[0..n)`; 0 if it is content. */
static int status_of(llhttp_t *parser, llhttp_errno_t err, const char *p,
                     size_t n)
{
    int major = llhttp_get_http_major(parser);
    int minor = llhttp_get_http_minor(parser);

    if (err == HPE_OK || err == HPE_PAUSED)
        return 0;
    if (err == HPE_INVALID_METHOD)
        return unknown_method(p, n);
    /* Something else than a line's end may follow a version that is fine. */
    return err == HPE_INVALID_VERSION && !is_version_known(major, minor) ? 505
                                                                         : 400;
}

/* Look for errors in the part of a head that is there. */
static int check_first(const char *p, size_t n, struct http_head *out)
{
    llhttp_t parser;

    llhttp_init(&parser, HTTP_REQUEST, &first_pass);
    llhttp_errno_t err = llhttp_execute(&parser, p, n);
    int status = status_of(&parser, err, p, n);

    return status == 0 ? 0 : fail(out, status);
}

/* Offset behind the empty line, 0 when it has not come, -1 after a line feed
 * on its own. */
static ptrdiff_t find_end(const char *p, size_t n, size_t from)
{
    const char *end = p + n;
    const char *at = p + from;

    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (at == p || at[-1] != '\r')
            return -1;
        if (end - at > 2 && at[1] == '\r' && at[2] == '\n')
            return at + 3 - p;
        at++;
    }
    return 0;
}

/* Nothing but " HTTP/1.x" may stand between the target and the line's end;
 * llhttp is more patient. */
static int check_line(const struct pass *pass, const char *p)
{
    struct http_head *head = pass->head;
    struct slice url = pass->url;
    const char *version = url.p + url.n;

    if (url.n == 0 || url.p < p + 2 || url.p[-1] != ' ')
        return fail(head, 400);
    head->method = (struct slice){p, (size_t)(url.p - 1 - p)};
    if (memchr(head->method.p, ' ', head->method.n) != NULL)
        return fail(head, 400);
    if (url.n > HTTP_URL_MAX)
        return fail(head, 414);
    if (!is_version_known(pass->major, pass->minor))
        return fail(head, 505);
    if (memcmp(version, pass->minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n",
               11) != 0)
        return fail(head, 400);
    head->minor = pass->minor;
    head->target = url;
    return 0;
}

/* Cut the lines between the names into values: each runs from its colon to the
 * CRLF before the next name, without the white space around it. */
static int cut_values(struct http_head *head, const char *at, const char *end)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        struct field *f = &head->fields[i];
        bool is_last = i + 1 == head->field_count;
        const char *next = is_last ? end - 2 : f[1].name.p;
        const char *from = f->name.p + f->name.n;
        const char *to = next - 2;

        if (f->name.p != at || f->name.n == 0 || from >= to || *from != ':' ||
            memcmp(to, "\r\n", 2) != 0 ||
            memchr(f->name.p, ' ', f->name.n) != NULL)
            return fail(head, 400);
        for (from++; from < to && (*from == ' ' || *from == '\t'); from++)
            ;
        while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        f->value = (struct slice){from, (size_t)(to - from)};
        /* A folded line, or a carriage return on its own. */
        if (memchr(from, '\r', f->value.n) != NULL)
            return fail(head, 400);
        at = next;
    }
    return at == end - 2 ? 0 : fail(head, 400);
}

/* Read the head that fills `p[0..n)`. */
static int read_head(const char *p, size_t n, struct http_head *out)
{
    struct pass pass = {.head = out};
    llhttp_t parser;

    llhttp_init(&parser, HTTP_REQUEST, &full_pass);
    parser.data = &pass;
    llhttp_errno_t err = llhttp_execute(&parser, p, n);

    if (!pass.is_complete) {
        int status = status_of(&parser, err, p, n);
        return fail(out, status == 0 ? 400 : status);
    }
    int rc = check_line(&pass, p);
    if (rc == 0)
        rc = cut_values(out, pass.url.p + pass.url.n + 11, p + n);
    return rc != 0 ? rc : http_fields_read(out);
}

static bool is_line_too_long(const char *p, size_t n)
{
    const size_t line_max = HTTP_URL_MAX + LINE_EXTRA;

    return n > line_max && memchr(p, '\n', line_max) == NULL;
}

/* More is needed, unless what is there is already too much or wrong. */
static int wait_for_more(const char *p, size_t n, size_t seen,
                         struct http_head *out)
{
    if (is_line_too_long(p, n))
        return fail(out, 414);
    if (n >= HTTP_HEAD_MAX)
        return fail(out, 431);
    return seen == 0 && n != 0 ? check_first(p, n, out) : 0;
}

int http_head_parse(const char *p, size_t n, size_t seen, struct http_head *out)
{
    size_t skip = 0;

    while (skip < 2 * EMPTY_LINES_MAX && n - skip >= 2 &&
           memcmp(p + skip, "\r\n", 2) == 0)
        skip += 2;
    p += skip;
    n -= skip;
    seen = seen > skip ? seen - skip : 0;
    out->field_count = 0;
    if (n == 0 || (n == 1 && p[0] == '\r'))
        return 0;
    if (p[0] == '\r')
        return fail(out, 400);
    ptrdiff_t end = find_end(p, n, seen > 3 ? seen - 3 : 0);

    if (end < 0)
        return fail(out, 400);
    if (end == 0)
        return wait_for_more(p, n, seen, out);
    if (end > HTTP_HEAD_MAX)
        return fail(out, is_line_too_long(p, n) ? 414 : 431);
    int rc = read_head(p, (size_t)end, out);

    return rc != 0 ? rc : (int)skip + (int)end;
}

struct slice http_head_url(const struct http_head *head, struct slice otherwise,
                           struct buf *out)
{
    struct slice target = head->target;

    out->n = 0;
    buf_add_slice(out, head->scheme);
    buf_add_text(out, "://");
    buf_add_slice(out, head->authority.n != 0 ? head->authority : otherwise);
    size_t path = out->n;

    if (target.n == 0 || target.p[0] != '/')
        buf_add_byte(out, '/');
    buf_add_slice(out, target);
    return (struct slice){out->p + path, out->n - path};
}
