#include "store/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/record.h"

enum {
    OVERLAY_MAX = 256,      /* pages of one object before it is checkpointed */
    SCRATCH_KEPT = 1 << 18, /* bytes */
};

static const struct template_image *image_of(const struct pagefile *f)
{
    return &f->client->store->image;
}

/* The transaction stands on the template, not on pages of the object. */
static bool is_on_template(const struct pagefile *f)
{
    return f->resets || !f->state.exists;
}

static struct page *page_before(const struct pagefile *f, uint32_t number)
{
    const struct template_image *t = image_of(f);

    if (is_on_template(f))
        return number <= t->count ? t->pages[number - 1] : NULL;
    return number <= f->cut ? overlay_get(&f->pages, number) : NULL;
}

/* Leave in `written` only pages that differ from what they were: SQLite writes
 * a page back as it was when it undoes. */
static void drop_unchanged(struct pagefile *f)
{
    struct overlay changed = {0};

    for (uint32_t i = 0; i < f->written.cap; i++) {
        struct overlay_slot *slot = &f->written.slots[i];
        const struct page *old =
            slot->page == NULL ? NULL : page_before(f, slot->number);

        if (slot->page == NULL ||
            (old != NULL &&
             memcmp(old->bytes, slot->page->bytes, STORE_PAGE) == 0))
            continue;
        overlay_put(&changed, slot->number, page_hold(slot->page));
    }
    overlay_fini(&f->written);
    f->written = changed;
}

/* The log has `old` whole since the last checkpoint, so that its difference to
 * the page that replaces it says all. */
static bool is_base(const struct pagefile *f, const struct page *old)
{
    return !is_on_template(f) && old != NULL && old->epoch == f->epoch;
}

/* Of those whose difference will not be looked for anyway. */
static bool has_unchanged(const struct pagefile *f)
{
    for (uint32_t i = 0; i < f->written.cap; i++) {
        const struct overlay_slot *slot = &f->written.slots[i];
        const struct page *old =
            slot->page == NULL ? NULL : page_before(f, slot->number);

        if (old != NULL && !is_base(f, old) &&
            memcmp(old->bytes, slot->page->bytes, STORE_PAGE) == 0)
            return true;
    }
    return false;
}

/* The first commit on the template makes all of it the object's own, so that
 * log and file do not depend on what the template is. */
static void add_template(struct pagefile *f)
{
    const struct template_image *t = image_of(f);

    for (uint32_t n = 1; n <= t->count && n <= f->page_count; n++)
        if (overlay_get(&f->written, n) == NULL)
            overlay_put(&f->written, n, page_hold(t->pages[n - 1]));
}

/* The record of the transaction in the client's scratch buffer.  Returns false
 * when a page in it is as it was. */
static bool encode(struct pagefile *f)
{
    struct buf *out = &f->client->scratch;
    const bool has_history = f->client->store->config.history_ms != 0;
    bool all_differ = true;
    struct record r = {
        .kind = RECORD_COMMIT,
        .class_name = slice_of(f->class->name),
        .id = f->id,
        .epoch = 1,
        .page_count = f->page_count,
        .next_alarm = f->next_alarm,
        .dead = f->dead_letters,
        .time_ms = f->time_ms,
    };

    if (f->resets)
        r.kind = f->written.count == 0 ? RECORD_DELETE : RECORD_RESET;
    out->n = 0;
    record_begin(out, &r);
    for (uint32_t i = 0; i < f->written.cap; i++) {
        const struct overlay_slot *slot = &f->written.slots[i];

        if (slot->page == NULL)
            continue;
        const struct page *old = page_before(f, slot->number);
        bool is_whole = !is_base(f, old);
        all_differ &= record_add_page(out, slot->number, slot->page->bytes,
                                      is_whole ? NULL : old->bytes);
        if (has_history && is_whole)
            undoing_page(f, slot->number, slot->page, out);
    }
    if (has_history)
        undoing_rest(f, out);
    record_end(out, 0, f->written.count);
    return all_differ;
}

/* Room for what the commit replaces and for its record, which `encode` has
 * left, in one piece. */
static struct commit *new_commit(struct pagefile *f)
{
    struct slice record = buf_slice(&f->client->scratch);
    size_t undo = f->written.count;

    for (uint32_t n = f->cut; n < f->state.page_count; n++)
        undo += overlay_get(&f->pages, n + 1) != NULL;
    size_t fixed = sizeof(struct commit) + undo * sizeof(struct undo_page);
    struct commit *c = mem_alloc(fixed + record.n);
    *c = (struct commit){.file = f,
                         .before = f->state,
                         .is_reset = f->resets,
                         .keeps_base = undoing_needs_base(f)};
    c->entry.record = (uint8_t *)c + fixed;
    c->entry.size = record.n;
    memcpy(c->entry.record, record.p, record.n);
    if (f->client->scratch.cap > SCRATCH_KEPT)
        buf_fini(&f->client->scratch);
    return c;
}

static void replace_page(struct pagefile *f, struct commit *c,
                         const struct overlay_slot *slot)
{
    const struct template_image *t = image_of(f);
    bool is_shared =
        slot->number <= t->count && slot->page == t->pages[slot->number - 1];
    struct page *old = overlay_put(&f->pages, slot->number, slot->page);

    if (!is_shared)
        slot->page->epoch = f->epoch;
    if (!c->is_reset)
        c->undo[c->undo_count++] = (struct undo_page){slot->number, old};
}

/* Pages that the transaction cut off and did not write again. */
static void cut_pages(struct pagefile *f, struct commit *c)
{
    for (uint32_t n = f->cut; n < c->before.page_count; n++) {
        struct page *old = overlay_get(&f->written, n + 1) == NULL
                               ? overlay_take(&f->pages, n + 1)
                               : NULL;

        if (old != NULL)
            c->undo[c->undo_count++] = (struct undo_page){n + 1, old};
    }
}

static uint32_t lower(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void change_state(struct pagefile *f, const struct commit *c)
{
    struct page_state *s = &f->state;
    uint32_t cut = c->is_reset ? 0 : f->cut;

    s->last_commit = c->entry.number;
    s->exists = !c->is_reset || f->written.count != 0;
    s->page_count = s->exists ? f->page_count : image_of(f)->count;
    s->file_pages = lower(s->file_pages, cut);
    s->next_file_pages = lower(s->next_file_pages, cut);
    s->next_alarm = f->next_alarm;
    s->dead = f->dead_letters;
    if (c->keeps_base && !s->is_reset)
        s->base_at = s->last_commit;
    if (c->keeps_base && !s->next_is_reset)
        s->next_base_at = s->last_commit;
    s->is_reset |= c->is_reset;
    s->next_is_reset |= c->is_reset;
}

/* The transaction is in the log's queue: its pages are the object's now. */
static void apply(struct pagefile *f, struct commit *c)
{
    struct store_client *client = f->client;

    client->overlay_pages -= f->pages.count;
    if (c->is_reset) {
        c->replaced = f->pages;
        f->pages = (struct overlay){0};
    } else if (f->cut < c->before.page_count) {
        cut_pages(f, c);
    }
    change_state(f, c);
    for (uint32_t i = 0; f->written.count != 0 && i < f->written.cap; i++) {
        if (f->written.slots[i].page == NULL)
            continue;
        replace_page(f, c, &f->written.slots[i]);
        f->written.slots[i] = (struct overlay_slot){0, NULL};
    }
    f->written.count = 0;
    client->overlay_pages += f->pages.count;
    list_push(&client->commits, &c->client_link);
    list_push(&f->commits, &c->file_link);
}

/* Note that the log is needed for the object from this commit on. */
static void mark_dirty(struct pagefile *f, uint64_t number)
{
    if (f->needed_from == 0)
        checkpoint_set_needed(f, number);
    else if (f->checkpoint != NULL && f->needed_after == 0)
        f->needed_after = number;
    if (f->pages.count > OVERLAY_MAX)
        checkpoint_request(f);
}

/* Something to log: pages, a reset, or a database that became shorter. */
static bool has_changes(const struct pagefile *f)
{
    return f->written.count != 0 || f->cut < f->state.page_count ||
           (f->resets && f->state.exists) || f->restores;
}

/* Encode what has changed.  Returns false when nothing has. */
static bool encode_changes(struct pagefile *f)
{
    if (f->written.count != 0 && has_unchanged(f))
        drop_unchanged(f);
    if (!has_changes(f))
        return false;
    if (is_on_template(f) && f->written.count != 0)
        add_template(f);
    f->time_ms = clock_wall_ms(f->client->store->config.clock);
    if (encode(f))
        return true;
    drop_unchanged(f);
    if (!has_changes(f))
        return false;
    encode(f);
    return true;
}

int commit_pages(struct pagefile *f)
{
    struct store_client *client = f->client;

    if (!encode_changes(f)) {
        pagefile_rollback(f);
        return 0;
    }
    struct commit *c = new_commit(f);
    int rc = log_append(client->store->log, &client->port, &c->entry);
    if (rc != 0) {
        free(c);
        pagefile_rollback(f);
        f->failure = rc;
        f->is_refused = true;
        return rc;
    }
    apply(f, c);
    uint64_t number = c->entry.number;
    pagefile_rollback(f);
    noting_commit(f, &c->before);
    if (!atomic_load_explicit(&f->class->has_commits, memory_order_relaxed))
        atomic_store(&f->class->has_commits, true);
    mark_dirty(f, number);
    return 0;
}

static void free_commit(struct commit *c)
{
    list_unlink(&c->client_link);
    list_unlink(&c->file_link);
    for (uint32_t i = 0; i < c->undo_count; i++)
        page_give(&c->file->client->spare, c->undo[i].page);
    overlay_fini(&c->replaced);
    free(c);
}

void commit_release(struct store_client *client, uint64_t synced)
{
    while (!list_empty(&client->commits)) {
        struct commit *c =
            container_of(client->commits.next, struct commit, client_link);
        struct pagefile *f = c->file;

        if (c->entry.number > synced)
            return;
        free_commit(c);
        pagefile_settle(f);
    }
}

static void undo(struct pagefile *f, struct commit *c)
{
    if (c->is_reset) {
        overlay_fini(&f->pages);
        f->pages = c->replaced;
        c->replaced = (struct overlay){0};
    }
    while (c->undo_count != 0) {
        struct undo_page *u = &c->undo[--c->undo_count];

        if (u->page == NULL)
            page_drop(overlay_take(&f->pages, u->number));
        else
            page_drop(overlay_put(&f->pages, u->number, u->page));
    }
    f->state = c->before;
    free_commit(c);
}

void commit_undo(struct pagefile *f, uint64_t durable)
{
    bool has_undone = false;

    f->client->overlay_pages -= f->pages.count;
    for (struct list *link; (link = list_last(&f->commits)) != NULL;) {
        struct commit *c = container_of(link, struct commit, file_link);

        if (c->entry.number <= durable)
            break;
        undo(f, c);
        has_undone = true;
    }
    f->client->overlay_pages += f->pages.count;
    checkpoint_cancel(f, durable);
    if (f->needed_after > durable)
        f->needed_after = 0;
    if (f->needed_from > durable)
        checkpoint_set_needed(f, 0);
    pagefile_rollback(f);
    if (has_undone && !f->client->store->is_dropped)
        noting_undone(f);
}
