#include "store/log_inside.h"

#include "base/mem.h"
#include "base/must.h"
#include "store/record.h"

enum {
    SEGMENTS_WANTED = 4, /* more of them, and old ones should go */
    SYNC_MS = 100,       /* of relaxed durability */
};

static struct log_entry *chain_shift(struct chain *c)
{
    struct log_entry *e = c->first;

    c->first = e->next;
    return e;
}

static void store(_Atomic uint64_t *v, uint64_t value)
{
    atomic_store_explicit(v, value, memory_order_release);
}

void log_wake_port(struct log_port *p)
{
    if (p->wake != NULL && !atomic_exchange(&p->is_woken, true))
        p->wake(p->arg);
}

/* Wake whoever has entries that became durable since it was woken last. */
static void tell_durable(struct log *l)
{
    uint64_t durable = log_load(&l->durable);

    pthread_mutex_lock(&l->ports_mutex);
    for (struct list *i = l->ports.next; i != &l->ports; i = i->next) {
        struct log_port *p = container_of(i, struct log_port, link);

        if (log_load(&p->appended) <= p->told)
            continue;
        p->told = durable;
        log_wake_port(p);
    }
    pthread_mutex_unlock(&l->ports_mutex);
}

static struct segment *live(const struct log *l)
{
    return &l->segments.live[l->segments.live_count - 1];
}

static int64_t room(const struct log *l)
{
    return l->segments.live_count == 0 || l->segments.is_ended
               ? 0
               : live(l)->size - l->at;
}

/* Sync the live segment.  After a failure nobody can say what of it is on
 * disk, so it ends there. */
int log_sync_live(struct log *l)
{
    if (l->written == log_load(&l->synced))
        return 0;
    int rc = l->disk->ops->sync(live(l)->file);
    if (rc != 0) {
        l->segments.is_ended = true;
        return rc;
    }
    atomic_fetch_add_explicit(&l->syncs, 1, memory_order_relaxed);
    l->unsynced = (struct chain){0};
    l->synced_ns = clock_mono_ns(l->clock);
    store(&l->synced, l->written);
    return 0;
}

static void count_batch(struct log *l, uint64_t commits)
{
    int power = commits <= 1 ? 0 : 64 - __builtin_clzll(commits - 1);
    int i = power < STORE_BATCHES ? power : STORE_BATCHES - 1;

    if (commits != 0)
        atomic_fetch_add_explicit(&l->batches[i], 1, memory_order_relaxed);
}

size_t log_first_needed(const struct log *l)
{
    size_t i = 0;

    while (i < l->segments.live_count &&
           l->segments.live[i].head.sequence <= l->released)
        i++;
    return i;
}

static void push_segment(struct log *l, const struct segment *next)
{
    pthread_mutex_lock(&l->mutex);
    segments_push(&l->segments, next);
    segments_retire(&l->segments, next->head.oldest);
    size_t needed = l->segments.live_count - log_first_needed(l);
    if (needed > SEGMENTS_WANTED)
        store(&l->wanted,
              l->segments.live[l->segments.live_count - 1 - SEGMENTS_WANTED]
                  .last);
    pthread_mutex_unlock(&l->mutex);
    segments_trim(&l->segments);
    if (needed > SEGMENTS_WANTED)
        log_wake_all(l);
}

/* History gives way to what has to be logged now. */
static int claim(struct log *l, uint64_t oldest, int64_t need,
                 struct segment *out)
{
    int rc;

    do {
        rc = segments_claim(&l->segments, oldest, log_load(&l->synced), need,
                            out);
    } while (rc == ERR_FULL && l->make_room != NULL &&
             l->make_room(l->make_room_arg));
    return rc;
}

int log_begin_segment(struct log *l, int64_t need)
{
    struct segment next;
    bool may_sync = l->segments.live_count != 0 && !l->segments.is_ended;
    int rc = may_sync ? log_sync_live(l) : 0;

    if (rc != 0)
        return rc;
    pthread_mutex_lock(&l->mutex);
    size_t i = log_first_needed(l);
    uint64_t oldest = i < l->segments.live_count
                          ? l->segments.live[i].head.sequence
                          : l->segments.next;
    pthread_mutex_unlock(&l->mutex);
    rc = claim(l, oldest, need, &next);
    if (rc != 0)
        return rc;
    push_segment(l, &next);
    l->at = SEGMENT_HEAD;
    l->written = log_load(&l->synced);
    return 0;
}

static void add_part(struct log *l, void *p, size_t n)
{
    if (l->part_count == l->part_cap) {
        l->part_cap = l->part_cap == 0 ? 64 : l->part_cap * 2;
        l->parts =
            mem_realloc(l->parts, (size_t)l->part_cap * sizeof(*l->parts));
    }
    l->parts[l->part_count++] = (struct iovec){p, n};
}

/* Move from `work` to `batch` what fits into the live segment, each record
 * completed with its place.  Returns the bytes. */
static int64_t gather(struct log *l, struct chain *work, struct chain *batch)
{
    int64_t space = room(l);
    int64_t n = 0;

    l->part_count = 0;
    while (work->first != NULL && n + (int64_t)work->first->size <= space) {
        struct log_entry *e = chain_shift(work);

        record_place(e->record,
                     &(struct record_head){.segment = live(l)->head.sequence,
                                           .number = e->number,
                                           .base = log_load(&l->synced)});
        add_part(l, e->record, e->size);
        n += (int64_t)e->size;
        chain_add(batch, e);
    }
    return n;
}

static bool sync_is_due(const struct log *l)
{
    return l->durability == STORE_DISK ||
           clock_mono_ns(l->clock) - l->synced_ns >= SYNC_MS * 1000000u;
}

/* Entries that have not been acknowledged before. */
static uint64_t count_new(const struct log *l, const struct chain *batch)
{
    uint64_t n = 0;

    for (const struct log_entry *e = batch->first; e != NULL; e = e->next)
        n += e->number > log_load(&l->durable);
    return n;
}

/* Write and sync the next batch of `work`; what is done leaves it. */
static int write_batch(struct log *l, struct chain *work)
{
    struct chain batch = {0};

    if (room(l) < (int64_t)work->first->size) {
        int rc = log_begin_segment(l, (int64_t)work->first->size);

        if (rc != 0)
            return rc;
    }
    int64_t bytes = gather(l, work, &batch);
    MUST(batch.last != NULL); /* there is room for one */
    uint64_t last = batch.last->number;
    uint64_t fresh = count_new(l, &batch);
    int rc =
        l->disk->ops->pwritev(live(l)->file, l->parts, l->part_count, l->at);
    if (rc == 0) {
        l->at += bytes;
        l->written = last;
        rc = sync_is_due(l) ? log_sync_live(l) : 0;
    }
    if (rc != 0) {
        l->segments.is_ended = true;
        chain_join(&batch, work);
        *work = batch;
        return rc;
    }
    /* What is synced may be freed by its client from here on. */
    count_batch(l, fresh);
    atomic_fetch_add_explicit(&l->commits, fresh, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->bytes, (uint64_t)bytes, memory_order_relaxed);
    if (log_load(&l->synced) < last)
        chain_join(&l->unsynced, &batch);
    if (log_load(&l->durable) < last)
        store(&l->durable, last);
    tell_durable(l);
    return 0;
}

/* Entries that are acknowledged must be written again, whatever it takes. */
static void keep_acknowledged(struct log *l, struct chain *work)
{
    chain_join(&l->unsynced, &l->again);
    l->again = l->unsynced;
    l->unsynced = (struct chain){0};
    l->written = log_load(&l->synced);
    while (work->first != NULL && work->first->number <= log_load(&l->durable))
        chain_add(&l->again, chain_shift(work));
}

static void fail_ports(struct log *l, int code)
{
    uint64_t durable = log_load(&l->durable);

    for (struct list *i = l->ports.next; i != &l->ports; i = i->next) {
        struct log_port *p = container_of(i, struct log_port, link);

        if (log_load(&p->appended) <= durable || atomic_load(&p->has_failed))
            continue;
        p->void_above = durable;
        p->is_reported = false;
        error_set(&p->error, code, "the commit log cannot be written: %s",
                  err_text(code));
        atomic_store(&p->has_failed, true);
        p->told = log_load(&p->appended);
        log_wake_port(p);
    }
}

/* Nothing that is not acknowledged will be: make it void on disk, drop it and
 * tell its clients. */
static void fail(struct log *l, struct chain *work, int code)
{
    bool is_well = false;

    if (l->segments.is_ended) {
        keep_acknowledged(l, work);
        is_well = log_begin_segment(l, 0) == 0;
    } else if (work->first != NULL) {
        /* One commit larger than a segment does not stop the others. */
        is_well = (int64_t)work->first->size > l->segments.bytes;
        keep_acknowledged(l, work);
    }
    logger_printf(l->logger, LOG_ERROR, "the commit log cannot be written: %s",
                  err_text(code));
    pthread_mutex_lock(&l->ports_mutex);
    pthread_mutex_lock(&l->mutex);
    l->queue = (struct chain){0};
    l->queued = 0;
    l->failures++;
    l->settled = l->last;
    if (!is_well)
        error_set(&l->sick, code, "the commit log cannot be written: %s",
                  err_text(code));
    fail_ports(l, code);
    pthread_mutex_unlock(&l->mutex);
    pthread_mutex_unlock(&l->ports_mutex);
}

/* Try a disk that was not well.  Returns 0 when it is now. */
static int heal(struct log *l)
{
    if (l->sick.code == 0)
        return 0;
    int rc = log_begin_segment(l, 0);
    if (rc != 0) {
        if (l->segments.is_ended)
            keep_acknowledged(l, &(struct chain){0});
        return rc;
    }
    logger_printf(l->logger, LOG_INFO, "the commit log can be written again");
    pthread_mutex_lock(&l->mutex);
    l->sick = (struct error){0};
    pthread_mutex_unlock(&l->mutex);
    return 0;
}

/* Take all that is queued. */
static struct chain take_queue(struct log *l)
{
    struct chain work = l->again;

    l->again = (struct chain){0};
    pthread_mutex_lock(&l->mutex);
    chain_join(&work, &l->queue);
    l->queued = 0;
    pthread_mutex_unlock(&l->mutex);
    return work;
}

int log_write_queue(struct log *l)
{
    int rc = heal(l);

    if (rc != 0)
        return rc;
    struct chain work = take_queue(l);
    while (rc == 0 && work.first != NULL)
        rc = write_batch(l, &work);
    if (rc == 0 && sync_is_due(l) && l->written != log_load(&l->synced)) {
        /* Acknowledged before, and now they may go to the files. */
        rc = log_sync_live(l);
        if (rc == 0)
            log_wake_all(l);
    }
    if (rc != 0)
        fail(l, &work, rc);
    return rc;
}
