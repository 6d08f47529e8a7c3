#include "store/scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WINDOW = 1 << 18 };

void scan_init(struct scan *s, const struct segments *segments,
               struct logger *logger)
{
    *s = (struct scan){.segments = segments,
                       .logger = logger,
                       .at = SEGMENT_HEAD,
                       .is_at_end = segments->live_count == 0};
    if (segments->live_count != 0)
        s->last = segments->live[0].head.previous_last;
}

void scan_fini(struct scan *s)
{
    free(s->window);
    s->window = NULL;
}

static const struct segment *segment(const struct scan *s)
{
    return &s->segments->live[s->index];
}

static bool is_last(const struct scan *s)
{
    return s->index + 1 == s->segments->live_count;
}

/* Bytes of the segment from `at` on, up to `n` of them; fewer at its end. */
static int64_t look(struct scan *s, int64_t at, size_t n, const char **out)
{
    struct file *f = segment(s)->file;

    if (at < s->window_at || at + (int64_t)n > s->window_at + s->window_n) {
        size_t want = n > WINDOW ? n : WINDOW;

        if (want > s->window_cap) {
            s->window = mem_realloc(s->window, want);
            s->window_cap = want;
        }
        s->window_at = at;
        s->window_n = f->disk->ops->pread(f, s->window, want, at);
        if (s->window_n < 0) {
            int64_t rc = s->window_n;

            s->window_n = 0;
            return rc;
        }
    }
    int64_t left = s->window_at + s->window_n - at;
    *out = s->window + (at - s->window_at);
    return left < (int64_t)n ? left : (int64_t)n;
}

/* The record at `at` of this segment: 1, 0 when there is none, BROKEN when one
 * begins there that is not whole, or ERR_IO. */
enum { BROKEN = 2 };

static int read_record(struct scan *s, struct record_head *head,
                       struct record *out)
{
    const char *p = NULL;
    int64_t n = look(s, s->at, RECORD_HEAD, &p);

    if (n < 0)
        return (int)n;
    if (!record_read_head(p, (size_t)n, head) ||
        head->segment != segment(s)->head.sequence)
        return 0;
    /* A length past the end of the segment is never read. */
    if (s->at + RECORD_HEAD + (int64_t)head->length > segment(s)->size)
        return BROKEN;
    n = look(s, s->at + RECORD_HEAD, head->length, &p);
    if (n < 0)
        return (int)n;
    if (n < (int64_t)head->length || record_read_body(head, p, out) != 0)
        return BROKEN;
    return 1;
}

static int damaged(const struct scan *s, uint64_t lost, struct error *err)
{
    char name[SEGMENT_NAME_MAX];

    segment_name(segment(s)->slot, name);
    return error_set(
        err, ERR_CORRUPT,
        "damaged record in %s at offset %lld: commits %llu to %llu cannot be "
        "read; `moonkeep verify` shows what is affected, `moonkeep restore` "
        "goes back to a backup",
        name, (long long)s->at, (unsigned long long)s->last + 1,
        (unsigned long long)lost);
}

/* Look behind the bad place for records of this filling of the segment.
 * `*found` counts them; `*durable` is the last commit that they say was
 * durable before them. */
static int look_behind(struct scan *s, uint64_t *found, uint64_t *durable)
{
    *found = 0;
    *durable = 0;
    for (int64_t at = s->at + RECORD_ALIGN;; at += RECORD_ALIGN) {
        struct record_head head;
        const char *p = NULL;
        int64_t n = look(s, at, RECORD_HEAD, &p);

        if (n < 0)
            return (int)n;
        if (n < RECORD_HEAD)
            return 0;
        if (!record_read_head(p, (size_t)n, &head) ||
            head.segment != segment(s)->head.sequence)
            continue;
        (*found)++;
        if (head.base > *durable)
            *durable = head.base;
        if (head.base > s->last)
            return 0;
    }
}

/* The bad place is in the last segment: its end, a torn tail, or damage. */
static int end_of_log(struct scan *s, bool is_broken, struct error *err)
{
    uint64_t found;
    uint64_t durable;
    char name[SEGMENT_NAME_MAX];
    int rc = look_behind(s, &found, &durable);

    if (rc != 0)
        return rc;
    if (durable > s->last)
        return damaged(s, durable, err);
    segment_name(segment(s)->slot, name);
    if (is_broken || found != 0)
        logger_printf(s->logger, LOG_WARN,
                      "cut a torn tail off the log: %s ends at offset %lld "
                      "with commit %llu",
                      name, (long long)s->at, (unsigned long long)s->last);
    s->is_at_end = true;
    return 0;
}

/* The segment's readable part has ended: go to the next. */
static int leave_segment(struct scan *s, struct error *err)
{
    if (s->last != segment(s)->last)
        return damaged(s, segment(s)->last, err);
    s->index++;
    s->at = SEGMENT_HEAD;
    s->window_n = 0;
    return 0;
}

int scan_next(struct scan *s, struct record_head *head, struct record *out,
              struct error *err)
{
    while (!s->is_at_end) {
        int rc = read_record(s, head, out);

        if (rc < 0)
            return error_set(err, rc, "cannot read the log: %s", err_text(rc));
        /* What a later segment does not count is void. */
        bool is_void =
            rc == 1 && !is_last(s) && head->number > segment(s)->last;
        if (rc == 1 && head->number > s->last && !is_void) {
            s->at += RECORD_HEAD + (int64_t)head->length;
            s->last = head->number;
            return 1;
        }
        rc = is_last(s) ? end_of_log(s, rc == BROKEN, err)
                        : leave_segment(s, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}
