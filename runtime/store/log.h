/*
 * log.h - the commit log while it is written: a queue of records, the thread
 * that writes them in batches, and what became of them.
 *
 *   worker: log_append, log_send -> [queue] -> log thread: pwritev, fdatasync
 *   worker: log_durable, log_failure <- wake -'
 *
 * Everything that is queued when the thread comes back from a sync is the next
 * batch.  After a failure nothing that was not durable will ever be: what may
 * stand in the file is made void by the head of the next segment, before the
 * failure is told where the disk allows it.
 *
 * With relaxed durability a commit is acknowledged when it is written and
 * synced up to 100 ms later; its record is kept until then and written again
 * should that sync fail.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/logline.h"
#include "store/segment.h"
#include "store/store.h"

struct log;

/* A record on its way.  The bytes belong to the log from log_append until its
 * number is synced or its port has failed, and to the worker again after. */
struct log_entry {
    struct log_entry *next; /* the log's */
    uint64_t number;        /* set by log_append */
    uint8_t *record;        /* of record_end */
    size_t size;
};

/* One client's end of the log. */
struct log_port {
    struct list link;
    void (*wake)(void *arg); /* may be NULL */
    void *arg;
    atomic_bool is_woken;      /* and has not polled since */
    _Atomic uint64_t appended; /* number of its last entry */
    uint64_t told;             /* the log thread's: woken for up to here */
    atomic_bool has_failed;    /* until log_resume */
    bool has_unsent;           /* the worker's: log_append without log_send */
    bool is_reported;          /* the worker's: it has seen the failure */
    uint64_t void_above;       /* once failed: entries above are void */
    struct error error;        /* why */
};

struct log_config {
    const struct clock *clock;
    struct logger *logger; /* may be NULL */
    enum store_durability durability;
    uint64_t last; /* number of the last commit so far */
    /* Make room on a full disk, of what can be done without; false: there is
     * nothing.  Called on the log's thread, or in log_new; may be NULL. */
    bool (*make_room)(void *arg);
    void *arg;
};

/* Take over `*segments` (loaded, replayed and synced) and begin a new segment,
 * which makes all before it unnecessary.  Returns 0, ERR_FULL, ERR_IO. */
int log_new(const struct log_config *config, struct segments *segments,
            struct log **out, struct error *err);
/* Start the log's thread. */
void log_start(struct log *l);
/* Stop the thread; entries that are queued stay unwritten. */
void log_stop(struct log *l);
/* Everything is in the objects' files, durably: begin an empty segment. */
int log_finish(struct log *l);
void log_free(struct log *l);

void log_attach(struct log *l, struct log_port *p);
/* `p->wake` is not called any more when this returns. */
void log_detach(struct log *l, struct log_port *p);

/* Queue `e` and give it its number.  Returns 0; ERR_RESET while the port has
 * failed; ERR_FULL, ERR_IO while the disk is not well. */
int log_append(struct log *l, struct log_port *p, struct log_entry *e);
/* The thread may begin with what was appended, if it has nothing to do. */
void log_send(struct log *l, struct log_port *p);
/* Why log_append refuses; empty when it would not. */
void log_refusal(struct log *l, const struct log_port *p, struct error *err);

/* Wait until everything up to `number` is synced.  Returns 0, or ERR_IO when it
 * cannot be: the port has failed or the disk is not well.  Blocks. */
int log_wait(struct log *l, struct log_port *p, uint64_t number);

/* Wait until each commit so far is synced or void; `*number` is then the last
 * that is synced.  Returns 0, or ERR_IO: the disk is not well.  Any thread but
 * a worker's; blocks. */
int log_point(struct log *l, uint64_t *number);

/*
 * For who writes down what commits say and must not be ahead of them: call
 * log_settle_begin, look at what they say, then log_settle with what it
 * returned.  Returns true when every commit before the look is synced, and none
 * of them void.  Waits for the log's thread if there is one.  Any thread.
 */
uint64_t log_settle_begin(struct log *l);
bool log_settle(struct log *l, uint64_t begun);

/* Of the commits of `p`: acknowledged up to this number, and surely on disk up
 * to that; the same but with relaxed durability.  What is void never counts,
 * though later commits of other clients go on. */
uint64_t log_durable(const struct log *l, const struct log_port *p);
uint64_t log_synced(const struct log *l, const struct log_port *p);
/* The number of the last commit that was given one. */
uint64_t log_last(struct log *l);
/* The port accepts entries again. */
void log_resume(struct log *l, struct log_port *p);
/* Wake the client, at most once between two of its polls; it must not be
 * detached meanwhile. */
void log_wake_port(struct log_port *p);
/* Wake every client: there is something for them to poll. */
void log_wake_all(struct log *l);
/* Write and sync what is queued, on this thread (no log thread).  Returns the
 * number of commits written, or ERR_*. */
int log_pump(struct log *l);
/* Write out and sync what relaxed durability left. */
int log_flush(struct log *l);

/* Commits up to this number should be checkpointed, so that old segments can
 * go; 0: none. */
uint64_t log_wanted(const struct log *l);
/* The sequence up to which segments hold only commits before `needed`; 0 when
 * that would free nothing. */
uint64_t log_releasable(struct log *l, uint64_t needed);
/* The sequence of the first segment that is still needed. */
uint64_t log_oldest(struct log *l);
/* Segments up to that sequence may be used again. */
void log_release(struct log *l, uint64_t sequence);
void log_stats(struct log *l, struct store_stats *out);

#endif
