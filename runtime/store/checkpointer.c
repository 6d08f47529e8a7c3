#include "store/history_inside.h"
#include "store/inside.h"

#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rest.h"

struct checkpointer {
    struct store *store;
    pthread_mutex_t mutex; /* all below, and `done` of every port */
    pthread_cond_t work, done;
    struct list queue; /* struct checkpoint */
    bool is_nudged;
    bool is_stopping;
    bool keeps_log;
    bool is_freeing; /* segments, without the mutex */
    unsigned holds;  /* checkpointer_hold_log */
    bool has_thread;
    pthread_t thread;
    _Atomic uint64_t count;
};

struct checkpointer *checkpointer_new(struct store *s)
{
    struct checkpointer *c = mem_zalloc(sizeof(*c));

    c->store = s;
    list_init(&c->queue);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->done, NULL);
    return c;
}

static struct checkpoint *shift(struct list *l)
{
    struct list *i = list_shift(l);

    return i == NULL ? NULL : container_of(i, struct checkpoint, link);
}

void checkpointer_forget(struct checkpointer *c)
{
    MUST(!c->has_thread);
    for (struct checkpoint *p; (p = shift(&c->queue)) != NULL;) {
        p->file->checkpoint = NULL;
        checkpoint_free(p);
    }
}

void checkpointer_free(struct checkpointer *c)
{
    MUST(!c->has_thread && list_empty(&c->queue));
    pthread_mutex_destroy(&c->mutex);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->done);
    free(c);
}

void checkpointer_send(struct checkpointer *c, struct checkpoint *p)
{
    pthread_mutex_lock(&c->mutex);
    list_push(&c->queue, &p->link);
    pthread_mutex_unlock(&c->mutex);
    pthread_cond_signal(&c->work);
}

void checkpointer_take(struct checkpointer *c, struct checkpoint_port *port,
                       struct list *out)
{
    pthread_mutex_lock(&c->mutex);
    list_join(out, &port->done);
    atomic_store(&port->has_done, false);
    pthread_mutex_unlock(&c->mutex);
}

void checkpointer_write(struct checkpointer *c, struct checkpoint *p)
{
    do {
        p->result = checkpoint_write(c->store->config.disk, p);
    } while (p->result == ERR_FULL && history_make_room(c->store));
    if (p->result == 0)
        atomic_fetch_add(&c->count, 1);
}

/* Write one checkpoint and give it back.  The client may go as soon as it has
 * taken it, so it is touched only with the mutex held. */
static void work_on(struct checkpointer *c, struct checkpoint *p)
{
    checkpointer_write(c, p);
    pthread_mutex_lock(&c->mutex);
    list_push(&p->client->checkpoints.done, &p->link);
    atomic_store(&p->client->checkpoints.has_done, true);
    log_wake_port(&p->client->port);
    pthread_cond_broadcast(&c->done);
    pthread_mutex_unlock(&c->mutex);
}

/* The first commit that some client needs the log for. */
static uint64_t first_needed(struct store *s)
{
    uint64_t needed = UINT64_MAX;

    pthread_mutex_lock(&s->mutex);
    for (struct list *i = s->clients.next; i != &s->clients; i = i->next) {
        struct store_client *client =
            container_of(i, struct store_client, link);
        uint64_t its = atomic_load(&client->needed_from);

        needed = its < needed ? its : needed;
    }
    pthread_mutex_unlock(&s->mutex);
    return needed;
}

/* When every client has its part of old segments in files, make the files
 * durable and give the segments back. */
static void free_segments(struct checkpointer *c)
{
    struct store *s = c->store;
    uint64_t needed = first_needed(s);
    uint64_t sequence = 0;

    if (needed > log_wanted(s->log))
        sequence = log_releasable(s->log, needed);
    if (sequence == 0)
        return;
    /* What the segments say is in the directory before they go.  Should it fail
     * now, they stay until the next ones are to go. */
    if (directory_flush(s->directory, NULL) != 0)
        return;
    int rc = s->config.disk->ops->sync_all(s->config.disk);
    if (rc == 0) {
        history_keep(s, sequence);
        log_release(s->log, sequence);
        return;
    }
    /* What is in the files cannot be told any more; the log has it. */
    logger_printf(s->config.logger, LOG_ERROR,
                  "the objects' files cannot be synced: %s; the log is kept "
                  "until the next start",
                  err_text(rc));
    checkpointer_keep_log(c);
}

void checkpointer_keep_log(struct checkpointer *c)
{
    pthread_mutex_lock(&c->mutex);
    c->keeps_log = true;
    pthread_mutex_unlock(&c->mutex);
}

bool checkpointer_keeps_log(struct checkpointer *c)
{
    pthread_mutex_lock(&c->mutex);
    bool keeps = c->keeps_log;
    pthread_mutex_unlock(&c->mutex);
    return keeps;
}

void checkpointer_hold_log(struct checkpointer *c)
{
    pthread_mutex_lock(&c->mutex);
    c->holds++;
    while (c->is_freeing)
        pthread_cond_wait(&c->done, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
}

void checkpointer_let_go(struct checkpointer *c)
{
    pthread_mutex_lock(&c->mutex);
    c->holds--;
    pthread_mutex_unlock(&c->mutex);
    checkpointer_nudge(c);
}

/* One thing that is to do; false when there is nothing.  With the mutex held,
 * which is let go meanwhile. */
static bool run_one(struct checkpointer *c)
{
    struct checkpoint *p = shift(&c->queue);
    bool nudged = p == NULL && c->is_nudged && !c->keeps_log && c->holds == 0;

    if (p == NULL)
        c->is_nudged = false;
    if (p == NULL && !nudged)
        return false;
    c->is_freeing = nudged;
    pthread_mutex_unlock(&c->mutex);
    if (p != NULL)
        work_on(c, p);
    else
        free_segments(c);
    pthread_mutex_lock(&c->mutex);
    if (c->is_freeing)
        pthread_cond_broadcast(&c->done);
    c->is_freeing = false;
    return true;
}

void checkpointer_run(struct checkpointer *c)
{
    pthread_mutex_lock(&c->mutex);
    while (run_one(c))
        ;
    pthread_mutex_unlock(&c->mutex);
}

static void *run(void *arg)
{
    struct checkpointer *c = arg;

    pthread_mutex_lock(&c->mutex);
    while (!c->is_stopping)
        if (!run_one(c))
            rest_wait(&c->work, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

void checkpointer_start(struct checkpointer *c)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    MUST(pthread_create(&c->thread, NULL, run, c) == 0);
    c->has_thread = true;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void checkpointer_stop(struct checkpointer *c)
{
    if (!c->has_thread)
        return;
    pthread_mutex_lock(&c->mutex);
    c->is_stopping = true;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
    c->has_thread = false;
}

void checkpointer_wait(struct checkpointer *c, struct checkpoint_port *port)
{
    if (!c->has_thread) {
        checkpointer_run(c);
        return;
    }
    pthread_mutex_lock(&c->mutex);
    while (!atomic_load(&port->has_done))
        pthread_cond_wait(&c->done, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
}

void checkpointer_nudge(struct checkpointer *c)
{
    pthread_mutex_lock(&c->mutex);
    c->is_nudged = true;
    pthread_mutex_unlock(&c->mutex);
    pthread_cond_signal(&c->work);
}

uint64_t checkpointer_count(const struct checkpointer *c)
{
    return atomic_load(&c->count);
}
