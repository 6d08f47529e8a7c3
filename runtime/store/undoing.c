/*
 * What history needs of a commit: how each page was that the record has whole.
 * A page of which it has the difference was logged whole since the object's
 * last checkpoint, so that the log says how it was.
 */
#include <string.h>

#include "store/inside.h"
#include "store/record.h"

enum { TOLD_MAX = 256 }; /* pages of a database that a record tells whole */

bool undoing_needs_base(const struct pagefile *f)
{
    return f->client->store->config.history_ms != 0 && f->resets &&
           f->state.exists && f->state.file_pages != 0 &&
           f->state.page_count > TOLD_MAX;
}

/* Page `number` as the commit before left it, into `room` or borrowed; NULL:
 * it cannot be read. */
static const uint8_t *page_was(struct pagefile *f, uint32_t number,
                               uint8_t room[STORE_PAGE])
{
    const struct page *p = overlay_get(&f->pages, number);
    int64_t n = 0;

    if (p != NULL)
        return p->bytes;
    if (number <= f->state.file_pages)
        n = pagefile_read_file(f, number, room);
    if (n < 0)
        return NULL;
    memset(room + n, 0, STORE_PAGE - (size_t)n);
    return room;
}

static void add_was(struct pagefile *f, uint32_t number,
                    const struct page *page, struct buf *out)
{
    uint8_t room[STORE_PAGE];
    const uint8_t *was = page_was(f, number, room);

    if (was == NULL)
        record_add_note(out, RECORD_NOTE_LOGGED, number);
    else
        record_add_undo(out, number, page == NULL ? NULL : page->bytes, was);
}

/* What is not in the file is in the log: that is looked for when it is asked
 * for. */
static void add_gone(struct pagefile *f, uint32_t number, struct buf *out)
{
    if (overlay_get(&f->pages, number) != NULL)
        record_add_note(out, RECORD_NOTE_LOGGED, number);
    else
        add_was(f, number, NULL, out);
}

void undoing_page(struct pagefile *f, uint32_t number, const struct page *page,
                  struct buf *out)
{
    if (!f->resets && f->state.exists && number <= f->state.page_count)
        add_was(f, number, page, out);
}

/* Small ones are told whole; else the file stays as it is now (base.h), and
 * what it lacks says the rest. */
static void add_all(struct pagefile *f, struct buf *out)
{
    bool needs_base = undoing_needs_base(f);

    if (needs_base)
        record_add_note(out, RECORD_NOTE_BASE, 0);
    for (uint32_t n = 1; n <= f->state.page_count; n++)
        if (!needs_base || overlay_get(&f->pages, n) != NULL)
            add_gone(f, n, out);
}

static void add_cut(struct pagefile *f, struct buf *out)
{
    for (uint32_t n = f->cut; n < f->state.page_count; n++)
        if (overlay_get(&f->written, n + 1) == NULL)
            add_gone(f, n + 1, out);
}

void undoing_rest(struct pagefile *f, struct buf *out)
{
    uint32_t count = f->state.exists ? f->state.page_count : 0;

    if (f->resets || count != f->page_count)
        record_add_note(out, RECORD_NOTE_PAGES, count);
    if (f->restores)
        record_add_note(out, RECORD_NOTE_RESTORE, 0);
    if (f->resets && f->state.exists)
        add_all(f, out);
    else if (f->state.exists)
        add_cut(f, out);
}
