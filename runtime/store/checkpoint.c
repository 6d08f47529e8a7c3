#include "store/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/base.h"

enum {
    UNDER_WAY_MAX = 128,      /* checkpoints of one client at a time */
    CLIENT_PAGES_MAX = 65536, /* 256 MiB of pages in one client's overlays:
                                 a file costs the disk far more than its
                                 pages cost memory, so it is made late */
    BACKLOG = 8192,           /* checkpoints of one client that the thread is
                                 behind: more, and the client writes as well,
                                 so that it makes no more than can be written */
    RETRY_MS = 1000,          /* after one that failed */
    RUN_MAX = 64,             /* pages of one write */
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct overlay_slot *)a)->number;
    uint32_t y = ((const struct overlay_slot *)b)->number;

    return x < y ? -1 : x > y;
}

struct checkpoint *checkpoint_new(const struct overlay *pages)
{
    struct checkpoint *p =
        mem_alloc(sizeof(*p) + pages->count * sizeof(struct overlay_slot));

    *p = (struct checkpoint){0};
    list_init(&p->link);
    for (uint32_t i = 0; i < pages->cap; i++)
        if (pages->slots[i].page != NULL)
            p->pages[p->count++] = (struct overlay_slot){
                pages->slots[i].number, page_hold(pages->slots[i].page)};
    if (p->count != 0)
        qsort(p->pages, p->count, sizeof(*p->pages), by_number);
    return p;
}

void checkpoint_free(struct checkpoint *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        page_drop(p->pages[i].page);
    list_unlink(&p->link);
    free(p->path);
    free(p->base);
    free(p);
}

/* Write pages from `at` on that follow each other; returns how many. */
static int write_run(struct file *file, const struct checkpoint *p, uint32_t at)
{
    struct iovec parts[RUN_MAX];
    int n = 0;

    while (n < RUN_MAX && at + (uint32_t)n < p->count &&
           p->pages[at + (uint32_t)n].number ==
               p->pages[at].number + (uint32_t)n) {
        parts[n] =
            (struct iovec){p->pages[at + (uint32_t)n].page->bytes, STORE_PAGE};
        n++;
    }
    int rc = file->disk->ops->pwritev(
        file, parts, n, (int64_t)(p->pages[at].number - 1) * STORE_PAGE);
    return rc != 0 ? rc : n;
}

static int write_pages(struct file *file, const struct checkpoint *p)
{
    const struct disk_ops *ops = file->disk->ops;
    int64_t size = (int64_t)p->page_count * STORE_PAGE;
    int rc = p->is_reset ? ops->truncate(file, 0) : 0;

    if (rc != 0)
        return rc;
    for (uint32_t at = 0; at < p->count; at += (uint32_t)rc) {
        rc = write_run(file, p, at);
        if (rc < 0)
            return rc;
    }
    int64_t now = ops->size(file);
    if (now < 0)
        return (int)now;
    return now == size ? 0 : ops->truncate(file, size);
}

int checkpoint_write(struct disk *disk, const struct checkpoint *p)
{
    struct file *file;
    int rc = p->base == NULL ? 0 : base_keep(disk, p->path, p->base);

    if (rc != 0)
        return rc;
    if (!p->exists) {
        rc = disk->ops->remove(disk, p->path);
        return rc == ERR_NOT_FOUND ? 0 : rc;
    }
    rc = disk->ops->open(disk, p->path, DISK_WRITE | DISK_CREATE, &file);
    if (rc != 0)
        return rc;
    rc = write_pages(file, p);
    disk->ops->close(file);
    return rc;
}

void checkpoint_set_needed(struct pagefile *f, uint64_t number)
{
    struct list *head = &f->client->dirty;
    struct list *at = head;

    list_unlink(&f->dirty_link);
    f->needed_from = number;
    if (number == 0)
        return;
    /* Mostly the newest; after a checkpoint a little older. */
    while (at->prev != head &&
           container_of(at->prev, struct pagefile, dirty_link)->needed_from >
               number)
        at = at->prev;
    list_insert(at, &f->dirty_link);
}

/* By number, so that those whose commit is synced come first: most are the
 * newest. */
static void wait_for_sync(struct checkpoint_port *port, struct checkpoint *p)
{
    struct list *head = &port->waiting;
    struct list *at = head;

    while (at->prev != head &&
           container_of(at->prev, struct checkpoint, link)->number > p->number)
        at = at->prev;
    list_insert(at, &p->link);
    port->under_way++;
}

void checkpoint_request(struct pagefile *f)
{
    struct checkpoint_port *port = &f->client->checkpoints;

    if (f->needed_from == 0 || f->checkpoint != NULL)
        return;
    struct checkpoint *p = checkpoint_new(&f->pages);
    p->file = f;
    p->client = f->client;
    p->path = pagefile_path(f->class->name, &f->id);
    p->number = f->state.last_commit;
    p->page_count = f->state.page_count;
    p->exists = f->state.exists;
    p->is_reset = f->state.is_reset;
    if (f->state.base_at != 0)
        p->base = base_path(&f->id, f->state.base_at);
    f->checkpoint = p;
    f->epoch++;
    f->needed_after = 0;
    f->state.next_file_pages = p->exists ? p->page_count : 0;
    f->state.next_is_reset = false;
    f->state.next_base_at = 0;
    wait_for_sync(port, p);
}

void checkpoint_cancel(struct pagefile *f, uint64_t durable)
{
    struct checkpoint *p = f->checkpoint;

    /* What is above the durable number has not been sent to the thread. */
    if (p == NULL || p->number <= durable)
        return;
    f->client->checkpoints.under_way--;
    f->checkpoint = NULL;
    checkpoint_free(p);
}

/* The file has what was checkpointed: for the state now, and for the states
 * that commits since then would bring back. */
static void settle_state(struct page_state *s)
{
    s->file_pages = s->next_file_pages;
    s->is_reset = s->next_is_reset;
    s->base_at = s->next_base_at;
}

static void drop_written(struct pagefile *f, const struct checkpoint *p)
{
    /* After a reset the file counts for nothing, even where a page is one of
     * the template's, which both may hold. */
    if (f->state.next_is_reset)
        return;
    f->client->overlay_pages -= f->pages.count;
    for (uint32_t i = 0; i < p->count; i++)
        if (overlay_get(&f->pages, p->pages[i].number) == p->pages[i].page)
            page_drop(overlay_take(&f->pages, p->pages[i].number));
    if (f->pages.count == 0)
        overlay_fini(&f->pages);
    f->client->overlay_pages += f->pages.count;
}

static void finish(struct store_client *c, struct checkpoint *p)
{
    struct checkpoint_port *port = &c->checkpoints;
    struct pagefile *f = p->file;

    port->under_way--;
    f->checkpoint = NULL;
    if (p->result != 0) {
        port->failed_ns = clock_mono_ns(c->store->config.clock) | 1;
        logger_printf(c->store->config.logger, LOG_ERROR,
                      "checkpoint of %s failed: %s", p->path,
                      err_text(p->result));
        checkpoint_free(p);
        return;
    }
    pagefile_forget_ahead(f);
    drop_written(f, p);
    settle_state(&f->state);
    noting_checkpoint(f);
    for (struct list *i = f->commits.next; i != &f->commits; i = i->next) {
        struct commit *commit = container_of(i, struct commit, file_link);

        if (commit->entry.number > p->number)
            settle_state(&commit->before);
    }
    if (!p->exists || p->is_reset)
        pagefile_close_file(f);
    checkpoint_free(p);
    checkpoint_set_needed(f, f->needed_after);
    f->needed_after = 0;
    if (!f->is_open)
        checkpoint_request(f);
    pagefile_settle(f);
}

static void finish_done(struct store_client *c)
{
    struct checkpoint_port *port = &c->checkpoints;
    struct list done;
    struct list *i;

    if (!atomic_load(&port->has_done))
        return;
    list_init(&done);
    checkpointer_take(c->store->checkpointer, port, &done);
    while ((i = list_shift(&done)) != NULL)
        finish(c, container_of(i, struct checkpoint, link));
}

static void send_synced(struct store_client *c)
{
    struct checkpointer *to = c->store->checkpointer;
    struct list *head = &c->checkpoints.waiting;
    bool helps = c->checkpoints.under_way > BACKLOG;
    uint64_t synced = log_synced(c->store->log, &c->port);

    while (!list_empty(head)) {
        struct checkpoint *p =
            container_of(head->next, struct checkpoint, link);

        if (p->number > synced)
            break;
        list_unlink(&p->link);
        if (helps) {
            checkpointer_write(to, p);
            finish(c, p);
        } else {
            checkpointer_send(to, p);
        }
        helps = false;
    }
}

static bool may_retry(struct store_client *c)
{
    struct checkpoint_port *port = &c->checkpoints;
    uint64_t now = clock_mono_ns(c->store->config.clock);

    if (port->failed_ns != 0 && now - port->failed_ns < RETRY_MS * 1000000u)
        return false;
    return true;
}

/* Oldest first: what the log wants to be rid of, what nobody has open, and
 * what is too much memory. */
static void begin_wanted(struct store_client *c)
{
    struct checkpoint_port *port = &c->checkpoints;
    int64_t over = c->overlay_pages - CLIENT_PAGES_MAX;
    bool retries = port->failed_ns != 0;

    if (!may_retry(c))
        return;
    port->failed_ns = 0;
    for (struct list *i = c->dirty.next;
         i != &c->dirty && port->under_way < UNDER_WAY_MAX; i = i->next) {
        struct pagefile *f = container_of(i, struct pagefile, dirty_link);
        bool is_wanted = f->needed_from <= port->wanted;

        if (!is_wanted && over <= 0 && !retries)
            break;
        over -= f->pages.count;
        if (is_wanted || over > -(int64_t)f->pages.count || !f->is_open)
            checkpoint_request(f);
    }
}

/* Say from where on this client needs the log. */
static void publish(struct store_client *c)
{
    uint64_t needed = log_last(c->store->log) + 1;

    if (!list_empty(&c->dirty))
        needed = container_of(c->dirty.next, struct pagefile, dirty_link)
                     ->needed_from;
    atomic_store(&c->needed_from, needed);
    checkpointer_nudge(c->store->checkpointer);
}

void checkpoint_poll(struct store_client *c)
{
    struct checkpoint_port *port = &c->checkpoints;
    uint64_t wanted = log_wanted(c->store->log);

    finish_done(c);
    port->wanted = wanted;
    if (!list_empty(&c->dirty) &&
        (port->failed_ns != 0 || c->overlay_pages > CLIENT_PAGES_MAX ||
         container_of(c->dirty.next, struct pagefile, dirty_link)
                 ->needed_from <= wanted))
        begin_wanted(c);
    if (!list_empty(&port->waiting))
        send_synced(c);
    if (wanted != 0 && atomic_load(&c->needed_from) <= wanted)
        publish(c);
}

/* Wait until the thread has given back everything that was sent. */
static void wait_for_sent(struct store_client *c)
{
    struct checkpoint_port *port = &c->checkpoints;

    for (;;) {
        uint32_t waiting = 0;

        for (struct list *i = port->waiting.next; i != &port->waiting;
             i = i->next)
            waiting++;
        if (port->under_way == waiting)
            return;
        checkpointer_wait(c->store->checkpointer, port);
        finish_done(c);
    }
}

void checkpoint_flush(struct store_client *c)
{
    struct checkpoint_port *port = &c->checkpoints;
    bool is_stuck = false;

    wait_for_sent(c);
    port->failed_ns = 0;
    while (!list_empty(&c->dirty) && !is_stuck) {
        for (struct list *i = c->dirty.next; i != &c->dirty; i = i->next)
            checkpoint_request(container_of(i, struct pagefile, dirty_link));
        send_synced(c);
        wait_for_sent(c);
        is_stuck = port->failed_ns != 0 || !list_empty(&port->waiting);
    }
    if (is_stuck)
        checkpointer_keep_log(c->store->checkpointer);
}
