#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/base.h"
#include "store/inside.h"
#include "store/past_inside.h"

/* 512 MiB of pages that are another than now: they are in memory, twice, while
 * the object goes back. */
enum { PAGES_MAX = 131072 };

struct looking {
    const struct past *past;
    const struct oid *id;
    uint64_t at;
    struct history_image *image;
    struct overlay touched; /* after `at`; NULL each */
    uint64_t reset;         /* the first after it, or 0 */
    uint32_t fresh;         /* the page that was touched by the last entry */
    uint8_t now[STORE_PAGE];
    size_t missing; /* touched ones that are not known */
};

static int keep(struct overlay *o, uint32_t number, const uint8_t *bytes)
{
    if (o->count >= PAGES_MAX)
        return ERR_LIMIT;
    struct page *p = page_new();

    memcpy(p->bytes, bytes, STORE_PAGE);
    page_drop(overlay_put(o, number, p));
    return 0;
}

/* ---- what came after ---- */

static void touch(struct looking *l, uint32_t number)
{
    l->fresh = overlay_has(&l->touched, number) ? 0 : number;
    if (l->fresh != 0)
        overlay_put(&l->touched, number, NULL);
}

static int see_page(struct looking *l, const struct record_page *e)
{
    touch(l, e->number);
    if (l->fresh == 0 || e->form == PAGE_DIFF) {
        l->fresh = 0;
        return 0;
    }
    return record_apply_page(e, l->now);
}

/* How a page was: one that the same record has, or that it does away with. */
static int see_undo(struct looking *l, const struct record_page *e)
{
    bool is_of_page = l->fresh == e->number;

    if (!is_of_page && e->form == PAGE_DIFF)
        return 0;
    if (!is_of_page)
        touch(l, e->number);
    if (l->fresh == 0)
        return 0;
    int rc = record_apply_page(e, l->now);
    if (rc == 0)
        rc = keep(&l->image->pages, e->number, l->now);
    l->fresh = 0;
    return rc;
}

static void see_note(struct looking *l, const struct record_page *e)
{
    struct history_image *i = l->image;

    if (e->note == RECORD_NOTE_LOGGED && !overlay_has(&l->touched, e->number))
        overlay_put(&l->touched, e->number, NULL);
    if (e->note != RECORD_NOTE_PAGES || i->has_count)
        return;
    i->has_count = true;
    i->count = e->number;
}

static int see_after(void *arg, uint64_t number, const struct record *r)
{
    struct looking *l = arg;
    struct slice entries = r->pages;
    struct record_page e;
    bool resets = r->kind != RECORD_COMMIT;
    int rc;

    if (number <= l->at)
        return 0;
    l->image->is_as_now = false;
    l->fresh = 0;
    while ((rc = record_next_entry(&entries, &e)) > 0) {
        if (e.entry == RECORD_NOTE)
            see_note(l, &e);
        else if (e.entry == RECORD_UNDO)
            rc = see_undo(l, &e);
        else if (!resets) /* else it is of the next life */
            rc = see_page(l, &e);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && resets)
        l->reset = number;
    return rc == 0 && resets ? 1 : rc;
}

/* ---- what came before ---- */

static bool is_wanted(const struct looking *l, uint32_t number)
{
    return overlay_has(&l->touched, number) &&
           (!l->image->has_count || number <= l->image->count);
}

/* Of `found`, which begins with an earlier record. */
static int see_before(void *arg, uint64_t number, const struct record *r)
{
    struct looking *l = arg;
    struct slice entries = r->pages;
    struct record_page e;
    int rc;

    if (number > l->at)
        return 1;
    while ((rc = record_next_page(&entries, &e)) > 0) {
        struct page *p = overlay_get(&l->touched, e.number);

        if (!is_wanted(l, e.number) || (p == NULL && e.form == PAGE_DIFF))
            continue;
        if (p == NULL) {
            p = page_new();
            overlay_put(&l->touched, e.number, p);
        }
        rc = record_apply_page(&e, p->bytes);
        if (rc != 0)
            return rc;
    }
    return rc;
}

/* Forget what was seen before; leave in `touched` what has to be found. */
static void begin_again(struct looking *l)
{
    struct overlay left = {0};

    l->missing = 0;
    for (uint32_t i = 0; i < l->touched.cap; i++) {
        uint32_t number = l->touched.slots[i].number;

        if (number == 0 || !is_wanted(l, number) ||
            overlay_has(&l->image->pages, number))
            continue;
        overlay_put(&left, number, NULL);
        l->missing++;
    }
    overlay_fini(&l->touched);
    l->touched = left;
}

static void count_missing(struct looking *l)
{
    l->missing = 0;
    for (uint32_t i = 0; i < l->touched.cap; i++)
        l->missing +=
            l->touched.slots[i].number != 0 && l->touched.slots[i].page == NULL;
}

/* The pages that were logged as differences after `at`: their whole images were
 * logged not long before it. */
static int look_before(struct looking *l, struct error *err)
{
    size_t first = past_archive_of(l->past, l->at);

    for (begin_again(l); l->missing != 0; first--) {
        begin_again(l);
        if (l->missing + l->image->pages.count > PAGES_MAX)
            return ERR_LIMIT;
        int rc = past_each(l->past, l->id, first, see_before, l, err);
        if (rc < 0)
            return rc;
        count_missing(l);
        if (l->missing != 0 && first == 0)
            return past_too_far(err);
    }
    for (uint32_t i = 0; i < l->touched.cap; i++) {
        struct overlay_slot *slot = &l->touched.slots[i];

        if (slot->page != NULL)
            page_drop(overlay_put(&l->image->pages, slot->number,
                                  page_hold(slot->page)));
    }
    return 0;
}

/* ---- what was done away with ---- */

static int read_base(struct looking *l, struct file *f)
{
    struct history_image *i = l->image;

    for (uint32_t n = 1; n <= i->count; n++) {
        if (overlay_has(&i->pages, n))
            continue;
        int64_t got = f->disk->ops->pread(f, l->now, STORE_PAGE,
                                          (int64_t)(n - 1) * STORE_PAGE);
        if (got != STORE_PAGE)
            return got < 0 ? (int)got : ERR_NOT_FOUND;
        int rc = keep(&i->pages, n, l->now);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* The pages of which nothing is known yet, to be looked for.  Returns whether
 * there are any. */
static bool want_rest(struct looking *l)
{
    const struct history_image *i = l->image;
    bool any = false;

    for (uint32_t n = 1; n <= i->count; n++) {
        if (overlay_has(&i->pages, n))
            continue;
        any = true;
        if (!overlay_has(&l->touched, n))
            overlay_put(&l->touched, n, NULL);
    }
    return any;
}

/* What was reset is in its file as that was then.  Where there is none the
 * object began, or was reset, not long before: the log had all of it. */
static int look_into_base(struct looking *l, struct error *err)
{
    struct disk *d = l->past->store->config.disk;
    struct file *f;

    l->image->is_whole = true;
    if (!l->image->exists || !want_rest(l))
        return 0;
    char *path = base_path(l->id, l->reset);
    int rc = d->ops->open(d, path, DISK_READ, &f);
    if (rc == 0) {
        rc = read_base(l, f);
        d->ops->close(f);
    }
    if (rc == ERR_NOT_FOUND)
        rc = look_before(l, err);
    else if (rc != 0)
        error_set(err, rc, "cannot read %s: %s", path, err_text(rc));
    free(path);
    return rc;
}

/* ---- */

int past_image(const struct past *p, const struct oid *id, uint64_t at,
               struct history_image *out, struct error *err)
{
    struct looking *l = mem_zalloc(sizeof(*l));

    *out = (struct history_image){.is_as_now = true};
    *l = (struct looking){.past = p, .id = id, .at = at, .image = out};
    int rc = past_each(p, id, past_archive_of(p, at + 1), see_after, l, err);
    rc = rc < 0 ? rc : 0;
    out->exists = !out->has_count || out->count != 0;
    if (rc == 0 && out->exists)
        rc = look_before(l, err);
    if (rc == 0 && l->reset != 0)
        rc = look_into_base(l, err);
    if (rc == ERR_LIMIT)
        error_set(err, rc, "more than %d MB of the object would have to change",
                  PAGES_MAX / (1048576 / STORE_PAGE));
    else if (rc != 0 && err != NULL && err->code != rc)
        error_set(err, rc, "the history of the object is damaged");
    overlay_fini(&l->touched);
    free(l);
    return rc;
}

void history_image_fini(struct history_image *i)
{
    overlay_fini(&i->pages);
    *i = (struct history_image){0};
}
