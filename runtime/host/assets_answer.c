#include "host/assets_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/assets_path.h"
#include "wire/http_list.h"
#include "wire/http_reply.h"

enum { TAG_SIZE = 3 * 16 + 2 + 2 + 1, FIELDS_MAX = 8, DIGITS_MAX = 18 };

struct tag {
    char text[TAG_SIZE]; /* with its quotes */
};

static struct tag tag_of(const struct assets_meta *m)
{
    struct tag tag;

    snprintf(tag.text, sizeof(tag.text),
             "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", (uint64_t)m->size,
             (uint64_t)m->mtime_ns, m->inode);
    return tag;
}

static const struct field *find(const struct request *rq, struct slice name)
{
    return fields_find(rq->fields, rq->field_count, name);
}

bool assets_answer_is_head(const struct request *rq)
{
    return slice_eq(rq->method, SLICE("HEAD"));
}

/* ---- conditions ---- */

/* Seconds since the epoch, in any of the three forms; false: no date. */
static bool parse_date(struct slice s, int64_t *out)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
                                        "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};
    char text[64];

    if (s.n >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)s.n, s.p);
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct tm t = {0};
        const char *end = strptime(text, forms[i], &t);

        if (end != NULL && *end == '\0') {
            *out = timegm(&t);
            return true;
        }
    }
    return false;
}

static bool list_has_tag(struct slice list, struct slice tag)
{
    struct slice one;

    while (http_list_next(&list, ',', &one)) {
        if (slice_eq(one, SLICE("*")))
            return true;
        if (one.n > 2 && memcmp(one.p, "W/", 2) == 0)
            one = (struct slice){one.p + 2, one.n - 2};
        if (slice_eq(one, tag))
            return true;
    }
    return false;
}

static bool is_unchanged(const struct request *rq, const struct assets_meta *m)
{
    struct tag tag = tag_of(m);
    const struct field *since = find(rq, SLICE("If-Modified-Since"));
    bool has_tags = false;
    int64_t date;

    for (uint32_t i = 0; i < rq->field_count; i++) {
        if (!slice_eq_nocase(rq->fields[i].name, SLICE("If-None-Match")))
            continue;
        has_tags = true;
        if (list_has_tag(rq->fields[i].value, slice_of(tag.text)))
            return true;
    }
    return !has_tags && since != NULL && parse_date(since->value, &date) &&
           m->mtime_ns / 1000000000 <= date;
}

/* Whether the part that the client has is of this state of the file. */
static bool allows_range(const struct request *rq, const struct assets_meta *m)
{
    const struct field *f = find(rq, SLICE("If-Range"));
    struct tag tag = tag_of(m);
    int64_t date;

    if (f == NULL || slice_eq(f->value, slice_of(tag.text)))
        return true;
    return parse_date(f->value, &date) && m->mtime_ns / 1000000000 == date;
}

/* ---- ranges ---- */

/* Cut the digits off the front of `*s`; -1 without any or with too many. */
static int64_t cut_number(struct slice *s)
{
    int64_t n = 0;
    size_t digits = 0;

    while (s->n != 0 && s->p[0] >= '0' && s->p[0] <= '9') {
        if (++digits > DIGITS_MAX)
            return -1;
        n = n * 10 + (s->p[0] - '0');
        s->p++;
        s->n--;
    }
    return digits == 0 ? -1 : n;
}

/* `s` is "first-last", "first-" or "-count".  False: none of them. */
static bool parse_range(struct slice s, int64_t size, struct assets_part *out)
{
    int64_t first = cut_number(&s);

    if (s.n == 0 || s.p[0] != '-')
        return false;
    s.p++;
    s.n--;
    bool is_open = s.n == 0;
    int64_t last = cut_number(&s);

    if (s.n != 0 || (first < 0 && last < 0) || (!is_open && last < 0) ||
        (first >= 0 && last >= 0 && last < first))
        return false;
    if (first < 0) { /* so many at the end */
        first = last < size ? size - last : 0;
        last = last == 0 ? first - 1 : size - 1;
    }
    if (last < 0 || last >= size)
        last = size - 1;
    *out = (struct assets_part){206, first, last - first + 1};
    if (first >= size || out->n <= 0)
        *out = (struct assets_part){.status = 416};
    return true;
}

static void apply_range(const struct request *rq, const struct assets_meta *m,
                        struct assets_part *out)
{
    const struct field *f = find(rq, SLICE("Range"));
    struct slice unit = SLICE("bytes=");
    struct assets_part part;

    if (f == NULL || f->value.n < unit.n ||
        !slice_eq_nocase((struct slice){f->value.p, unit.n}, unit))
        return;
    struct slice range =
        slice_trim((struct slice){f->value.p + unit.n, f->value.n - unit.n});

    if (parse_range(range, m->size, &part) && allows_range(rq, m))
        *out = part;
}

void assets_answer_plan(const struct request *rq, const struct assets_meta *m,
                        struct assets_part *out)
{
    *out = (struct assets_part){200, 0, m->size};
    if (is_unchanged(rq, m))
        *out = (struct assets_part){.status = 304};
    else if (!assets_answer_is_head(rq))
        apply_range(rq, m, out);
}

/* ---- responses ---- */

struct head {
    struct field fields[FIELDS_MAX];
    uint32_t count;
};

static void add(struct head *h, struct slice name, struct slice value)
{
    h->fields[h->count++] = (struct field){name, value};
}

static struct response *build(int status, struct head *h, struct body *body)
{
    return response_build(&(struct response){.status = status,
                                             .field_count = h->count,
                                             .fields = h->fields,
                                             .body = body});
}

struct response *assets_answer_build(const struct request *rq,
                                     const struct assets_meta *m,
                                     struct slice path,
                                     const struct assets_part *part,
                                     struct body *body)
{
    struct head h = {.count = 0};
    struct tag tag = tag_of(m);
    char date[HTTP_DATE_SIZE + 1], length[24], range[72];

    http_date(m->mtime_ns / 1000000, date);
    if (part->status == 200 || part->status == 206)
        add(&h, SLICE("Content-Type"), assets_path_type(path));
    if (part->status != 416) {
        add(&h, SLICE("ETag"), slice_of(tag.text));
        add(&h, SLICE("Last-Modified"), slice_of(date));
        add(&h, SLICE("Cache-Control"),
            SLICE("public, max-age=0, must-revalidate"));
    }
    if (part->status != 304)
        add(&h, SLICE("Accept-Ranges"), SLICE("bytes"));
    if (part->status == 206)
        snprintf(range, sizeof(range), "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
                 part->at, part->at + part->n - 1, m->size);
    else
        snprintf(range, sizeof(range), "bytes */%" PRId64, m->size);
    if (part->status == 206 || part->status == 416)
        add(&h, SLICE("Content-Range"), slice_of(range));
    if (assets_answer_is_head(rq) && part->status == 200) {
        snprintf(length, sizeof(length), "%" PRId64, m->size);
        add(&h, SLICE("Content-Length"), slice_of(length));
    }
    return build(part->status, &h, body);
}

struct response *assets_answer_redirect(const struct request *rq)
{
    struct slice target = rq->target;
    const char *query = memchr(target.p, '?', target.n);
    size_t n = query == NULL ? target.n : (size_t)(query - target.p);
    struct head h = {.count = 0};
    struct buf location = {0};

    buf_add(&location, target.p, n);
    buf_add_byte(&location, '/');
    buf_add(&location, target.p + n, target.n - n);
    add(&h, SLICE("Location"), buf_slice(&location));
    struct response *rs = build(308, &h, NULL);

    buf_fini(&location);
    return rs;
}

struct response *assets_answer_busy(void)
{
    struct slice text = SLICE("Service Unavailable\n");
    struct head h = {.count = 0};

    add(&h, SLICE("Content-Type"), SLICE("text/plain;charset=UTF-8"));
    add(&h, SLICE("Retry-After"), SLICE("1"));
    return build(503, &h, body_from(text.p, text.n));
}
