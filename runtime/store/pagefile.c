#include "store/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

enum { BUCKETS_FIRST = 64 };

static struct pagefile **bucket_of(const struct store_client *c,
                                   const struct oid *id)
{
    return &c->buckets[oid_hash(id) & (c->bucket_count - 1)];
}

static void grow_table(struct store_client *c)
{
    struct pagefile **old = c->buckets;
    size_t old_count = c->bucket_count;

    if (c->file_count < old_count)
        return;
    c->bucket_count = old_count == 0 ? BUCKETS_FIRST : old_count * 2;
    c->buckets = mem_zalloc(c->bucket_count * sizeof(struct pagefile *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct pagefile *f = old[i], *next; f != NULL; f = next) {
            struct pagefile **bucket = bucket_of(c, &f->id);

            next = f->next;
            f->next = *bucket;
            *bucket = f;
        }
    }
    free(old);
}

static void unlink_from_table(struct pagefile *f)
{
    struct pagefile **at = bucket_of(f->client, &f->id);

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->client->file_count--;
}

static const struct template_image *image_of(const struct pagefile *f)
{
    return &f->client->store->image;
}

/* What the file, or its absence, says of the object. */
static int load_state(struct pagefile *f)
{
    int64_t size = pagefile_open_file(f);

    f->state = (struct page_state){.page_count = image_of(f)->count};
    if (size == ERR_NOT_FOUND) {
        noting_absent(f);
        return 0;
    }
    if (size < 0)
        return (int)size;
    if (size > 0 && size % STORE_PAGE != 0)
        return ERR_CORRUPT;
    if (size > 0) {
        f->state.exists = true;
        f->state.next_alarm = f->state.dead = -1;
        f->state.page_count = (uint32_t)(size / STORE_PAGE);
        f->state.file_pages = f->state.page_count;
    }
    return 0;
}

static struct pagefile *find(const struct store_client *c,
                             const char *class_name, const struct oid *id)
{
    struct pagefile *f = c->bucket_count == 0 ? NULL : *bucket_of(c, id);

    while (f != NULL &&
           (!oid_eq(&f->id, id) || strcmp(f->class->name, class_name) != 0))
        f = f->next;
    return f;
}

uint64_t pagefile_commit_of(const struct store_client *c,
                            const char *class_name, const struct oid *id)
{
    const struct pagefile *f = find(c, class_name, id);

    return f == NULL ? 0 : pagefile_last_commit(f);
}

uint64_t store_commit_of(const struct store_client *c, const struct oid *id)
{
    uint64_t number = 0;

    if (c->bucket_count == 0)
        return 0;
    for (const struct pagefile *f =
             c->buckets[oid_hash(id) & (c->bucket_count - 1)];
         f != NULL; f = f->next) {
        if (oid_eq(&f->id, id) && pagefile_last_commit(f) > number)
            number = pagefile_last_commit(f);
    }
    return number;
}

static struct pagefile *add(struct store_client *c, const char *class_name,
                            const struct oid *id)
{
    struct pagefile *f = mem_zalloc(sizeof(*f));

    f->client = c;
    f->class = classes_intern(c->store, class_name);
    f->id = *id;
    f->epoch = 1;
    list_init(&f->commits);
    list_init(&f->file_link);
    list_init(&f->dirty_link);
    grow_table(c);
    struct pagefile **bucket = bucket_of(c, id);
    f->next = *bucket;
    *bucket = f;
    c->file_count++;
    return f;
}

int pagefile_open(struct store_client *c, const char *class_name,
                  const struct oid *id, struct pagefile **out,
                  struct error *err)
{
    struct pagefile *f = find(c, class_name, id);
    int rc = 0;

    *out = NULL;
    if (f == NULL) {
        f = add(c, class_name, id);
        rc = load_state(f);
    }
    if (rc != 0) {
        char *path = pagefile_path(class_name, id);

        pagefile_free(f);
        error_set(err, rc, "cannot open %s: %s", path, err_text(rc));
        free(path);
        return rc;
    }
    MUST(!f->is_open);
    f->is_open = true;
    f->failure = 0;
    f->is_refused = false;
    f->next_alarm = f->state.next_alarm;
    f->dead_letters = f->state.dead;
    pagefile_rollback(f);
    *out = f;
    return 0;
}

void pagefile_free(struct pagefile *f)
{
    commit_undo(f, 0);
    MUST(f->checkpoint == NULL);
    pagefile_close_file(f);
    pagefile_forget_ahead(f);
    list_unlink(&f->dirty_link);
    f->client->overlay_pages -= f->pages.count;
    overlay_fini(&f->pages);
    overlay_fini(&f->written);
    unlink_from_table(f);
    free(f);
}

void pagefile_settle(struct pagefile *f)
{
    if (!f->is_open && f->needed_from == 0 && f->checkpoint == NULL &&
        list_empty(&f->commits))
        pagefile_free(f);
}

void pagefile_close(struct pagefile *f)
{
    if (f == NULL)
        return;
    struct store_client *c = f->client;
    pagefile_rollback(f);
    overlay_fini(&f->written);
    pagefile_close_file(f);
    f->is_open = false;
    checkpoint_request(f);
    pagefile_settle(f);
    checkpoint_poll(c);
}

void pagefile_discard(struct pagefile *f)
{
    if (f == NULL)
        return;
    const struct log_port *port = &f->client->port;
    pagefile_rollback(f);
    if (atomic_load(&port->has_failed))
        commit_undo(f, port->void_above);
    pagefile_close(f);
}

/* A page as it was when the transaction began. */
static int read_committed(struct pagefile *f, uint32_t number, uint8_t *out)
{
    const struct page *p;

    if (f->resets || !f->state.exists) {
        p = number <= image_of(f)->count ? image_of(f)->pages[number - 1]
                                         : NULL;
    } else {
        p = overlay_get(&f->pages, number);
    }
    if (p != NULL) {
        memcpy(out, p->bytes, STORE_PAGE);
        return 0;
    }
    int64_t n = 0;
    if (!f->resets && number <= f->state.file_pages) {
        n = pagefile_read_file(f, number, out);
        if (n < 0)
            return (int)n;
    }
    memset(out + n, 0, STORE_PAGE - (size_t)n);
    return 0;
}

int pagefile_read(struct pagefile *f, uint32_t number, uint8_t *out)
{
    const struct page *p = overlay_get(&f->written, number);

    if (p != NULL) {
        memcpy(out, p->bytes, STORE_PAGE);
        return 0;
    }
    if (number > f->cut) {
        memset(out, 0, STORE_PAGE);
        return 0;
    }
    int rc = read_committed(f, number, out);
    if (rc != 0)
        f->failure = rc == ERR_NOT_FOUND ? ERR_IO : rc;
    return rc;
}

/* One more page of the transaction is over a limit.  A page written back as it
 * was is let through: SQLite undoes so what it wrote before the end. */
static int check_limits(struct pagefile *f, uint32_t number,
                        const uint8_t *page)
{
    const struct store_config *config = &f->client->store->config;
    int64_t end = (int64_t)number * STORE_PAGE;
    int64_t turn = ((int64_t)f->written.count + 1) * STORE_PAGE;
    uint8_t was[STORE_PAGE];

    if (f->restores) /* it fitted once */
        return 0;
    if ((config->object_bytes == 0 || end <= config->object_bytes ||
         number <= f->page_count) &&
        (config->turn_bytes == 0 || turn <= config->turn_bytes))
        return 0;
    if (number <= f->cut && read_committed(f, number, was) == 0 &&
        memcmp(was, page, STORE_PAGE) == 0)
        return 1;
    f->failure = ERR_LIMIT;
    return ERR_LIMIT;
}

int pagefile_write(struct pagefile *f, uint32_t number, const uint8_t *page)
{
    struct page *p = overlay_get(&f->written, number);

    if (p == NULL) {
        int rc = check_limits(f, number, page);

        if (rc != 0)
            return rc < 0 ? rc : 0;
        p = page_take(&f->client->spare);
        overlay_put(&f->written, number, p);
    }
    memcpy(p->bytes, page, STORE_PAGE);
    if (number > f->page_count)
        f->page_count = number;
    return 0;
}

void pagefile_truncate(struct pagefile *f, uint32_t page_count)
{
    for (uint32_t n = page_count + 1; n <= f->page_count; n++)
        page_drop(overlay_take(&f->written, n));
    f->page_count = page_count;
    if (page_count < f->cut)
        f->cut = page_count;
}

void pagefile_rollback(struct pagefile *f)
{
    overlay_clear(&f->written);
    f->page_count = f->state.page_count;
    f->cut = UINT32_MAX;
    f->resets = false;
    f->restores = false;
}

bool pagefile_exists(const struct pagefile *f)
{
    return f->state.exists;
}

uint64_t pagefile_last_commit(const struct pagefile *f)
{
    return f->state.last_commit;
}

int pagefile_failure(const struct pagefile *f, struct error *err)
{
    const struct store_client *c = f->client;

    if (f->failure == 0)
        return 0;
    if (f->is_refused)
        log_refusal(c->store->log, &c->port, err);
    else
        error_set(err, f->failure, "%s", err_text(f->failure));
    return f->failure;
}

void pagefile_reset(struct pagefile *f)
{
    pagefile_rollback(f);
    f->next_alarm = f->dead_letters = 0;
    f->resets = true;
    f->page_count = image_of(f)->count;
}

void pagefile_undo_reset(struct pagefile *f)
{
    pagefile_rollback(f);
    f->next_alarm = f->state.next_alarm;
    f->dead_letters = f->state.dead;
}

int pagefile_commit_reset(struct pagefile *f, struct error *err)
{
    int rc = 0;

    if (f->resets)
        rc = commit_pages(f);
    if (rc != 0)
        pagefile_failure(f, err);
    return rc;
}

int64_t pagefile_overlay_bytes(const struct pagefile *f)
{
    return (int64_t)(f->pages.count + f->written.count) *
           (int64_t)(sizeof(struct page) + STORE_PAGE);
}
