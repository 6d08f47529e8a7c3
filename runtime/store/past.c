#include "store/past.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/base.h"
#include "store/history_inside.h"
#include "store/inside.h"
#include "store/past_inside.h"
#include "store/scan.h"

/* ---- having it ---- */

/* Those before a gap are of no use. */
static void drop_unjoined(struct past *p)
{
    size_t first = p->n;
    uint64_t joins = p->log.live_count == 0 ? 0 : p->log.live[0].head.previous;

    while (first > 0 && joins != 0 && p->archives[first - 1].sequence == joins)
        joins = p->archives[--first].previous;
    p->n -= first;
    if (p->n != 0)
        memmove(p->archives, p->archives + first, p->n * sizeof(*p->archives));
}

static void find_beginning(struct past *p)
{
    uint64_t first =
        p->n != 0 ? p->archives[0].sequence : p->log.live[0].head.sequence;

    p->from =
        p->n != 0 ? p->archives[0].before : p->log.live[0].head.previous_last;
    if (p->from == 0)
        return;
    p->from_ms = history_since(p->store, first);
    for (size_t i = 0; i < p->n && p->from_ms == 0; i++)
        p->from_ms = p->archives[i].first_ms;
    if (p->from_ms == 0)
        p->from_ms = INT64_MAX;
}

int past_open(struct store *s, struct past *out, struct error *err)
{
    uint64_t oldest = store_hold_log(s);

    *out = (struct past){.store = s};
    int rc = store_point(s, &out->upto, err);
    if (rc == 0)
        rc = archive_list(s->config.disk, &out->archives, &out->n, err);
    if (rc == 0)
        rc = segments_load_guest(&out->log, s->config.disk, oldest, err);
    if (rc != 0) {
        past_close(out);
        return rc;
    }
    drop_unjoined(out);
    find_beginning(out);
    return 0;
}

void past_close(struct past *p)
{
    segments_fini(&p->log);
    free(p->archives);
    store_let_log_go(p->store);
}

/* ---- its records ---- */

static int each_in_log(const struct past *p, const struct oid *id,
                       past_each_cb each, void *arg, struct error *err)
{
    struct scan scan;
    struct record_head head;
    struct record r;
    int rc = 0;

    scan_init(&scan, &p->log, NULL);
    /* What is behind may be in the midst of being written. */
    while (rc == 0 && scan.last < p->upto) {
        rc = scan_next(&scan, &head, &r, err);
        if (rc <= 0 || head.number > p->upto)
            break;
        rc = oid_eq(&r.id, id) ? each(arg, head.number, &r) : 0;
    }
    scan_fini(&scan);
    return rc;
}

int past_each(const struct past *p, const struct oid *id, size_t first,
              past_each_cb each, void *arg, struct error *err)
{
    int rc = 0;

    for (size_t i = first; i < p->n && rc == 0; i++)
        rc = archive_each(p->store->config.disk, &p->archives[i], id, each, arg,
                          err);
    return rc != 0 ? rc : each_in_log(p, id, each, arg, err);
}

size_t past_archive_of(const struct past *p, uint64_t number)
{
    size_t i = 0;

    while (i < p->n && p->archives[i].last < number)
        i++;
    return i;
}

/* ---- finding a commit ---- */

struct finding {
    uint64_t after, number;
    int64_t time_ms;
};

static int is_restore(void *arg, uint64_t number, const struct record *r)
{
    struct finding *f = arg;

    if (number <= f->after || !record_has_note(r, RECORD_NOTE_RESTORE))
        return 0;
    f->number = number;
    return 1;
}

int past_find_restore(const struct past *p, const struct oid *id,
                      uint64_t number, uint64_t *out, struct error *err)
{
    struct finding f = {.after = number};
    int rc =
        past_each(p, id, past_archive_of(p, number + 1), is_restore, &f, err);

    *out = f.number;
    return rc < 0 ? rc : 0;
}

static int is_before(void *arg, uint64_t number, const struct record *r)
{
    struct finding *f = arg;

    if (r->time_ms > f->time_ms)
        return 1;
    f->number = number;
    return 0;
}

int past_find_time(const struct past *p, const struct oid *id, int64_t time_ms,
                   uint64_t *out, struct error *err)
{
    struct finding f = {.time_ms = time_ms, .number = p->from};
    size_t i = 0;

    if (time_ms < p->from_ms)
        return past_too_far(err);
    /* The last that ended before. */
    for (; i < p->n && p->archives[i].last_ms <= time_ms; i++)
        f.number = p->archives[i].last;
    int rc = past_each(p, id, i, is_before, &f, err);
    *out = f.number;
    return rc < 0 ? rc : 0;
}

int past_too_far(struct error *err)
{
    return error_set(err, ERR_NOT_FOUND,
                     "the history that is kept does not go back that far");
}
