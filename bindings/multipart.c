#include "bindings/multipart.h"

enum { BOUNDARY_MAX = 70 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The end of what begins at `at`: a ';' outside quotes. */
static size_t param_end(struct slice v, size_t at)
{
    bool quoted = false;

    for (; at < v.n && (quoted || v.p[at] != ';'); at++) {
        if (v.p[at] == '"')
            quoted = !quoted;
        else if (quoted && v.p[at] == '\\' && at + 1 < v.n)
            at++;
    }
    return at;
}

struct slice multipart_param(struct slice value, const char *name)
{
    size_t at = param_end(value, 0);

    while (at < value.n) {
        size_t end = param_end(value, at + 1);
        struct slice one = {value.p + at + 1, end - at - 1};
        const char *equals = one.n == 0 ? NULL : memchr(one.p, '=', one.n);

        at = end;
        if (equals == NULL)
            continue;
        struct slice key = {one.p, (size_t)(equals - one.p)};
        struct slice v = {equals + 1, one.n - key.n - 1};
        if (!slice_eq_nocase(slice_trim(key), slice_of(name)))
            continue;
        v = slice_trim(v);
        if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
            return (struct slice){v.p + 1, v.n - 2};
        return v;
    }
    return (struct slice){NULL, 0};
}

static int fail(struct error *err, const char *expected, size_t at)
{
    return error_set(err, ERR_INVALID,
                     "invalid multipart form: expected %s at byte offset %zu",
                     expected, at);
}

static bool starts(struct slice s, size_t at, struct slice with)
{
    return s.n - at >= with.n && memcmp(s.p + at, with.p, with.n) == 0;
}

static bool is_boundary(const struct multipart *m, size_t at)
{
    return starts(m->text, at, SLICE("--")) &&
           starts(m->text, at + 2, m->boundary);
}

/* The offset of the line break before the next boundary line, or text.n. */
static size_t find_boundary(const struct multipart *m, size_t from)
{
    struct slice t = m->text;

    while (from < t.n) {
        const char *p = memmem(t.p + from, t.n - from, "\r\n--", 4);

        if (p == NULL)
            return t.n;
        from = (size_t)(p - t.p);
        if (is_boundary(m, from + 2))
            return from;
        from += 2;
    }
    return t.n;
}

int multipart_open(struct multipart *m, struct slice type, struct slice text,
                   struct error *err)
{
    *m = (struct multipart){.text = text,
                            .boundary = multipart_param(type, "boundary")};
    if (m->boundary.n == 0 || m->boundary.n > BOUNDARY_MAX)
        return error_set(err, ERR_INVALID,
                         "invalid multipart form: expected a boundary of 1 to "
                         "%d bytes in the content type",
                         BOUNDARY_MAX);
    if (is_boundary(m, 0))
        return 0;
    m->at = find_boundary(m, 0); /* a preamble */
    if (m->at == text.n)
        return fail(err, "a boundary line", 0);
    m->at += 2;
    return 0;
}

static void set_header(struct multipart_part *out, struct slice line)
{
    const char *colon = line.n == 0 ? NULL : memchr(line.p, ':', line.n);

    if (colon == NULL)
        return;
    struct slice name =
        slice_trim((struct slice){line.p, (size_t)(colon - line.p)});
    struct slice value = slice_trim(
        (struct slice){colon + 1, line.n - (size_t)(colon - line.p) - 1});
    if (slice_eq_nocase(name, SLICE("content-type")))
        out->type = value;
    if (!slice_eq_nocase(name, SLICE("content-disposition")))
        return;
    out->name = multipart_param(value, "name");
    out->filename = multipart_param(value, "filename");
}

/* The head of a part, up to and with its empty line. */
static int read_head(struct multipart *m, struct multipart_part *out,
                     struct error *err)
{
    for (;;) {
        struct slice rest = {m->text.p + m->at, m->text.n - m->at};
        const char *end = memmem(rest.p, rest.n, "\r\n", 2);

        if (end == NULL)
            return fail(err, "the end of a part's head", m->text.n);
        struct slice line = {rest.p, (size_t)(end - rest.p)};
        m->at += line.n + 2;
        if (line.n == 0)
            return 0;
        set_header(out, line);
    }
}

int multipart_next(struct multipart *m, struct multipart_part *out,
                   struct error *err)
{
    size_t head = m->at;

    *out = (struct multipart_part){0};
    m->at += 2 + m->boundary.n;
    if (starts(m->text, m->at, SLICE("--"))) {
        m->at = head; /* the end, also when asked again */
        return 0;
    }
    while (m->at < m->text.n && is_blank(m->text.p[m->at]))
        m->at++;
    if (!starts(m->text, m->at, SLICE("\r\n")))
        return fail(err, "a line break after the boundary", m->at);
    m->at += 2;
    int rc = read_head(m, out, err);
    if (rc != 0)
        return rc;
    if (out->name.p == NULL)
        return fail(err, "a Content-Disposition with a name", head);
    /* An empty part's data begins where its boundary's line break would. */
    size_t from = m->at;
    size_t end = find_boundary(m, from >= 2 ? from - 2 : from);
    if (end == m->text.n)
        return fail(err, "a closing boundary", m->text.n);
    out->data = (struct slice){m->text.p + from, end > from ? end - from : 0};
    m->at = end + 2;
    return 1;
}
