/* One worker's end of the store. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/inside.h"

enum { BEHIND = 2048 /* commits, or checkpoints, of one client */ };

struct store_client *store_attach(struct store *s, void (*wake)(void *arg),
                                  void *arg)
{
    struct store_client *c = mem_zalloc(sizeof(*c));

    c->store = s;
    c->port.wake = wake;
    c->port.arg = arg;
    list_init(&c->port.link);
    list_init(&c->commits);
    list_init(&c->dirty);
    list_init(&c->open_files);
    connections_init(&c->connections);
    list_init(&c->checkpoints.waiting);
    list_init(&c->checkpoints.done);
    vfs_init(&c->vfs, s->config.clock, &s->image);
    atomic_init(&c->needed_from, log_last(s->log) + 1);
    log_attach(s->log, &c->port);
    pthread_mutex_lock(&s->mutex);
    list_push(&s->clients, &c->link);
    pthread_mutex_unlock(&s->mutex);
    return c;
}

/* Take back what failed and is not open any more. */
static void undo_failed(struct store_client *c)
{
    while (!list_empty(&c->commits)) {
        struct commit *last =
            container_of(c->commits.prev, struct commit, client_link);
        struct pagefile *f = last->file;

        if (last->entry.number <= c->port.void_above)
            return;
        MUST(!f->is_open);
        commit_undo(f, c->port.void_above);
        pagefile_settle(f);
    }
}

/* Make durable what can be, in the log and in the files. */
static void flush(struct store_client *c)
{
    struct log *log = c->store->log;

    if (!list_empty(&c->commits))
        log_wait(log, &c->port,
                 container_of(c->commits.prev, struct commit, client_link)
                     ->entry.number);
    if (atomic_load(&c->port.has_failed))
        undo_failed(c);
    commit_release(c, log_synced(log, &c->port));
    checkpoint_flush(c);
}

/* After a power cut: what was sent to be checkpointed never comes back. */
static void forget_checkpoints(struct store_client *c)
{
    struct list done;
    struct list *i;

    list_init(&done);
    checkpointer_take(c->store->checkpointer, &c->checkpoints, &done);
    list_join(&done, &c->checkpoints.waiting);
    while ((i = list_shift(&done)) != NULL) {
        struct checkpoint *p = container_of(i, struct checkpoint, link);

        p->file->checkpoint = NULL;
        checkpoint_free(p);
    }
}

static void free_files(struct store_client *c)
{
    for (size_t i = 0; i < c->bucket_count; i++) {
        while (c->buckets[i] != NULL) {
            MUST(!c->buckets[i]->is_open);
            pagefile_free(c->buckets[i]);
        }
    }
    free(c->buckets);
}

void store_detach(struct store_client *c)
{
    struct store *s = c->store;

    if (!s->is_dropped)
        flush(c);
    else
        checkpointer_forget(s->checkpointer);
    forget_checkpoints(c);
    log_detach(s->log, &c->port);
    free_files(c);
    pthread_mutex_lock(&s->mutex);
    list_unlink(&c->link);
    bool is_last = s->is_dropped && list_empty(&s->clients);
    pthread_mutex_unlock(&s->mutex);
    directory_reader_close(c->reader);
    connections_fini(&c->connections);
    vfs_fini(&c->vfs);
    buf_fini(&c->scratch);
    page_pool_fini(&c->spare);
    free(c->ahead.pages);
    free(c);
    if (is_last)
        store_free(s);
}

struct directory_reader *store_client_reader(struct store_client *c,
                                             struct error *err)
{
    if (c->reader == NULL)
        directory_reader_open(c->store->directory, &c->reader, err);
    return c->reader;
}

void store_trim(struct store_client *c)
{
    connections_trim(&c->connections);
    page_pool_fini(&c->spare);
    buf_fini(&c->scratch);
    free(c->ahead.pages);
    c->ahead = (struct ahead){0};
}

void store_send(struct store_client *c)
{
    log_send(c->store->log, &c->port);
}

bool store_is_behind(const struct store_client *c)
{
    return c->checkpoints.under_way > BEHIND ||
           atomic_load(&c->port.appended) >
               log_synced(c->store->log, &c->port) + BEHIND;
}

void store_poll(struct store_client *c, struct store_report *out)
{
    struct log *log = c->store->log;

    atomic_exchange(&c->port.is_woken, false);
    out->durable = log_durable(log, &c->port);
    out->failed = atomic_load(&c->port.has_failed) && !c->port.is_reported;
    out->error.code = 0;
    out->error.text[0] = '\0';
    if (out->failed) {
        c->port.is_reported = true;
        out->durable = c->port.void_above;
        out->error = c->port.error;
    }
    commit_release(c, log_synced(log, &c->port));
    checkpoint_poll(c);
}

void store_resume(struct store_client *c)
{
    if (!atomic_load(&c->port.has_failed))
        return;
    undo_failed(c);
    log_resume(c->store->log, &c->port);
}
