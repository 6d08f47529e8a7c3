/*
 * log_inside.h - the log's own structure, shared by log.c (queue, clients,
 * thread) and log_write.c (batches, failures).  Nobody else includes it.
 */
#ifndef STORE_LOG_INSIDE_H
#define STORE_LOG_INSIDE_H

#include <pthread.h>

#include "store/log.h"

/* Entries by their `next`, in the order of their numbers. */
struct chain {
    struct log_entry *first, *last;
};

struct log {
    const struct clock *clock;
    struct logger *logger;
    enum store_durability durability;
    struct disk *disk;
    bool (*make_room)(void *arg);
    void *make_room_arg;

    pthread_mutex_t mutex;
    pthread_cond_t work;     /* for the thread */
    pthread_cond_t progress; /* for log_wait */
    struct chain queue;
    size_t queued;  /* bytes in it */
    uint64_t last;  /* number given last */
    bool is_asleep; /* the thread waits for `work` */
    bool is_stopping;
    struct error sick; /* why nothing is accepted; code 0: all is well */
    uint64_t failures; /* how often commits became void */
    uint64_t settled;  /* up to this number each was synced, or became void */
    uint64_t released; /* segments up to this sequence are not needed */

    pthread_mutex_t ports_mutex;
    struct list ports;

    _Atomic uint64_t durable, synced, wanted;
    _Atomic uint64_t commits, syncs, bytes, batches[STORE_BATCHES];

    /* The writer's alone (`segments.live` changes under `mutex`). */
    struct segments segments;
    int64_t at;            /* where the next record goes */
    uint64_t written;      /* number of the last record there */
    struct chain unsynced; /* written, acknowledged, not synced */
    struct chain again;    /* acknowledged, to be written once more */
    uint64_t synced_ns;    /* when */
    struct iovec *parts;
    int part_count, part_cap;
    pthread_t thread;
    bool has_thread;
};

/* Move all of `from` to the end of `to`. */
static inline void chain_join(struct chain *to, struct chain *from)
{
    if (from->first == NULL)
        return;
    if (to->first == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    *from = (struct chain){0};
}

static inline void chain_add(struct chain *c, struct log_entry *e)
{
    e->next = NULL;
    chain_join(c, &(struct chain){e, e});
}

static inline uint64_t log_load(const _Atomic uint64_t *v)
{
    return atomic_load_explicit(v, memory_order_acquire);
}

/* Write everything that is queued, and sync what is due; on failure make void
 * what is not acknowledged and tell its clients.  Returns 0 or ERR_*. */
int log_write_queue(struct log *l);
/* Sync what is written, due or not. */
int log_sync_live(struct log *l);
/* Begin a new segment with room for `need` bytes.  What was written after the
 * last synced record becomes void. */
int log_begin_segment(struct log *l, int64_t need);
/* The first live segment that is still needed; with the mutex held. */
size_t log_first_needed(const struct log *l);

#endif
