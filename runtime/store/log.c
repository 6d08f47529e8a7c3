#include "store/log_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rest.h"

enum {
    TICK_MS = 100,         /* of relaxed durability and a sick disk */
    QUEUE_MAX = 256 << 20, /* bytes */
};

int log_new(const struct log_config *config, struct segments *segments,
            struct log **out, struct error *err)
{
    struct log *l = mem_zalloc(sizeof(*l));
    pthread_condattr_t attr;

    *out = NULL;
    l->clock = config->clock;
    l->logger = config->logger;
    l->durability = config->durability;
    l->make_room = config->make_room;
    l->make_room_arg = config->arg;
    l->disk = segments->disk;
    l->segments = *segments;
    *segments = (struct segments){0};
    l->last = config->last;
    l->written = config->last;
    atomic_init(&l->durable, config->last);
    atomic_init(&l->synced, config->last);
    l->released = l->segments.next - 1;
    l->synced_ns = clock_mono_ns(l->clock);
    list_init(&l->ports);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_mutex_init(&l->ports_mutex, NULL);
    pthread_cond_init(&l->progress, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->work, &attr);
    pthread_condattr_destroy(&attr);
    /* What stands behind the last record that was replayed is void. */
    l->segments.is_ended = true;
    int rc = log_begin_segment(l, 0);
    if (rc != 0) {
        log_free(l);
        return error_set(err, rc, "cannot begin a segment of the log: %s",
                         err_text(rc));
    }
    *out = l;
    return 0;
}

void log_free(struct log *l)
{
    if (l == NULL)
        return;
    MUST(!l->has_thread);
    segments_fini(&l->segments);
    pthread_mutex_destroy(&l->mutex);
    pthread_mutex_destroy(&l->ports_mutex);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->progress);
    free(l->parts);
    free(l);
}

/* Wait for work; with the mutex held. */
static void wait_for_work(struct log *l)
{
    bool has_timer = l->sick.code != 0 || l->again.first != NULL ||
                     l->written != log_load(&l->synced);
    struct timespec until;

    l->is_asleep = true;
    if (!has_timer) {
        rest_wait(&l->work, &l->mutex);
    } else {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&l->work, &l->mutex, &until);
    }
    l->is_asleep = false;
}

static void *run(void *arg)
{
    struct log *l = arg;

    pthread_mutex_lock(&l->mutex);
    while (!l->is_stopping) {
        if (l->queue.first == NULL)
            wait_for_work(l);
        pthread_mutex_unlock(&l->mutex);
        log_write_queue(l);
        pthread_mutex_lock(&l->mutex);
        pthread_cond_broadcast(&l->progress);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

void log_start(struct log *l)
{
    sigset_t all;
    sigset_t before;

    /* Signals are for the threads of the host. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    MUST(pthread_create(&l->thread, NULL, run, l) == 0);
    l->has_thread = true;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void log_stop(struct log *l)
{
    if (!l->has_thread)
        return;
    pthread_mutex_lock(&l->mutex);
    l->is_stopping = true;
    pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->thread, NULL);
    pthread_mutex_lock(&l->mutex);
    l->has_thread = false;
    pthread_cond_broadcast(&l->progress);
    pthread_mutex_unlock(&l->mutex);
}

int log_finish(struct log *l)
{
    int rc = log_flush(l);

    if (rc != 0)
        return rc;
    l->released = l->segments.next - 1;
    return log_begin_segment(l, 0);
}

void log_attach(struct log *l, struct log_port *p)
{
    pthread_mutex_lock(&l->ports_mutex);
    list_push(&l->ports, &p->link);
    pthread_mutex_unlock(&l->ports_mutex);
}

void log_detach(struct log *l, struct log_port *p)
{
    pthread_mutex_lock(&l->ports_mutex);
    list_unlink(&p->link);
    pthread_mutex_unlock(&l->ports_mutex);
}

/* Why an entry of `p` is refused, or 0; with the mutex held. */
static int refusal(const struct log *l, const struct log_port *p, size_t size)
{
    if (atomic_load(&p->has_failed))
        return ERR_RESET;
    if (l->sick.code != 0)
        return l->sick.code;
    return l->queued + size > QUEUE_MAX && l->queued != 0 ? ERR_FULL : 0;
}

int log_append(struct log *l, struct log_port *p, struct log_entry *e)
{
    pthread_mutex_lock(&l->mutex);
    int rc = refusal(l, p, e->size);
    if (rc == 0) {
        e->number = ++l->last;
        chain_add(&l->queue, e);
        l->queued += e->size;
        atomic_store_explicit(&p->appended, e->number, memory_order_release);
    }
    pthread_mutex_unlock(&l->mutex);
    p->has_unsent |= rc == 0;
    return rc;
}

void log_send(struct log *l, struct log_port *p)
{
    if (!p->has_unsent)
        return;
    p->has_unsent = false;
    pthread_mutex_lock(&l->mutex);
    /* While the thread is at work it looks into the queue by itself. */
    bool wakes = l->is_asleep;
    l->is_asleep = false;
    pthread_mutex_unlock(&l->mutex);
    if (wakes)
        pthread_cond_signal(&l->work);
}

void log_refusal(struct log *l, const struct log_port *p, struct error *err)
{
    pthread_mutex_lock(&l->mutex);
    if (atomic_load(&p->has_failed))
        error_set(err, ERR_RESET, "the object was reset because %s",
                  p->error.text);
    else if (l->sick.code != 0)
        error_set(err, l->sick.code, "%s", l->sick.text);
    else
        error_set(err, ERR_FULL, "the commit log is too far behind");
    pthread_mutex_unlock(&l->mutex);
}

/* The failure is looked at last: when it is not there yet, it was not there
 * when `number` became what it is. */
static uint64_t but_void(const struct log_port *p, uint64_t number)
{
    return atomic_load(&p->has_failed) && number > p->void_above ? p->void_above
                                                                 : number;
}

uint64_t log_durable(const struct log *l, const struct log_port *p)
{
    return but_void(p, log_load(&l->durable));
}

uint64_t log_synced(const struct log *l, const struct log_port *p)
{
    return but_void(p, log_load(&l->synced));
}

uint64_t log_last(struct log *l)
{
    pthread_mutex_lock(&l->mutex);
    uint64_t last = l->last;
    pthread_mutex_unlock(&l->mutex);
    return last;
}

void log_resume(struct log *l, struct log_port *p)
{
    pthread_mutex_lock(&l->mutex);
    atomic_store(&p->has_failed, false);
    /* What it had queued is void and has no part in the next failure. */
    atomic_store(&p->appended, 0);
    p->told = 0;
    pthread_mutex_unlock(&l->mutex);
}

int log_wait(struct log *l, struct log_port *p, uint64_t number)
{
    log_send(l, p);
    if (!l->has_thread && log_synced(l, p) < number)
        log_flush(l);
    pthread_mutex_lock(&l->mutex);
    while (l->has_thread && log_synced(l, p) < number &&
           !atomic_load(&p->has_failed) && l->sick.code == 0)
        pthread_cond_wait(&l->progress, &l->mutex);
    pthread_mutex_unlock(&l->mutex);
    return log_synced(l, p) >= number ? 0 : ERR_IO;
}

int log_point(struct log *l, uint64_t *number)
{
    pthread_mutex_lock(&l->mutex);
    uint64_t last = l->last;
    if (!l->has_thread) {
        pthread_mutex_unlock(&l->mutex);
        log_flush(l);
        pthread_mutex_lock(&l->mutex);
    }
    if (l->is_asleep)
        pthread_cond_signal(&l->work);
    while (l->has_thread && log_load(&l->synced) < last && l->settled < last &&
           l->sick.code == 0)
        pthread_cond_wait(&l->progress, &l->mutex);
    *number = log_load(&l->synced);
    bool is_well = *number >= last || l->settled >= last;
    pthread_mutex_unlock(&l->mutex);
    return is_well ? 0 : ERR_IO;
}

uint64_t log_settle_begin(struct log *l)
{
    pthread_mutex_lock(&l->mutex);
    uint64_t failures = l->failures;
    pthread_mutex_unlock(&l->mutex);
    return failures;
}

/* Some client has not taken back yet what became void. */
static bool has_void(struct log *l)
{
    bool has = false;

    pthread_mutex_lock(&l->ports_mutex);
    for (struct list *i = l->ports.next; i != &l->ports; i = i->next)
        has |= atomic_load(&container_of(i, struct log_port, link)->has_failed);
    pthread_mutex_unlock(&l->ports_mutex);
    return has;
}

bool log_settle(struct log *l, uint64_t begun)
{
    if (has_void(l))
        return false;
    pthread_mutex_lock(&l->mutex);
    uint64_t last = l->last;
    while (l->has_thread && l->failures == begun && log_load(&l->synced) < last)
        pthread_cond_wait(&l->progress, &l->mutex);
    bool is_well = l->failures == begun && log_load(&l->synced) >= last;
    pthread_mutex_unlock(&l->mutex);
    return is_well;
}

void log_wake_all(struct log *l)
{
    pthread_mutex_lock(&l->ports_mutex);
    for (struct list *i = l->ports.next; i != &l->ports; i = i->next)
        log_wake_port(container_of(i, struct log_port, link));
    pthread_mutex_unlock(&l->ports_mutex);
}

int log_pump(struct log *l)
{
    uint64_t before = log_load(&l->commits);
    int rc = log_write_queue(l);

    return rc != 0 ? rc : (int)(log_load(&l->commits) - before);
}

int log_flush(struct log *l)
{
    int rc = log_write_queue(l);

    return rc != 0 ? rc : log_sync_live(l);
}

uint64_t log_wanted(const struct log *l)
{
    return log_load(&l->wanted);
}

uint64_t log_releasable(struct log *l, uint64_t needed)
{
    uint64_t sequence = 0;

    pthread_mutex_lock(&l->mutex);
    for (size_t i = log_first_needed(l);
         i + 1 < l->segments.live_count && l->segments.live[i].last < needed;
         i++)
        sequence = l->segments.live[i].head.sequence;
    pthread_mutex_unlock(&l->mutex);
    return sequence;
}

uint64_t log_oldest(struct log *l)
{
    pthread_mutex_lock(&l->mutex);
    size_t i = log_first_needed(l);
    uint64_t sequence =
        i < l->segments.live_count ? l->segments.live[i].head.sequence : 0;
    pthread_mutex_unlock(&l->mutex);
    return sequence;
}

void log_release(struct log *l, uint64_t sequence)
{
    pthread_mutex_lock(&l->mutex);
    if (sequence > l->released)
        l->released = sequence;
    pthread_mutex_unlock(&l->mutex);
}

void log_stats(struct log *l, struct store_stats *out)
{
    out->commits = log_load(&l->commits);
    out->syncs = log_load(&l->syncs);
    out->bytes_logged = log_load(&l->bytes);
    for (int i = 0; i < STORE_BATCHES; i++)
        out->batches[i] = log_load(&l->batches[i]);
    pthread_mutex_lock(&l->mutex);
    out->is_failing = l->sick.code != 0;
    out->segments = l->segments.live_count - log_first_needed(l);
    pthread_mutex_unlock(&l->mutex);
}
