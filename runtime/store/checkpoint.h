/*
 * checkpoint.h - committed pages go to the objects' files, and old segments of
 * the log become free.
 *
 *   worker: checkpoint_request (holds the pages of commit n) --n is synced-->
 *   thread: writes them to the file --> worker: checkpoint_poll (drops them)
 *   thread: every client past a segment --> sync_all --> segment is free
 *
 * A page in a checkpoint is not changed by later commits: they replace it.  So
 * the object goes on while its pages are written; what it commits after the
 * request is logged with whole pages again.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/list.h"
#include "store/overlay.h"

struct store;
struct store_client;
struct pagefile;
struct checkpointer;

/* Pages of one object as they were after commit `number`. */
struct checkpoint {
    struct list link;
    struct pagefile *file; /* the client's; not touched by the thread */
    struct store_client *client;
    char *path;      /* owned */
    uint64_t number; /* the pages may be written once this is synced */
    uint32_t page_count;
    bool exists;   /* false: remove the file */
    bool is_reset; /* nothing of the file's old contents counts */
    char *base;    /* where these are kept; owned; NULL: nowhere */
    int result;    /* of writing: 0 or ERR_* */
    uint32_t count;
    struct overlay_slot pages[]; /* by number; each a reference */
};

/* One client's end. */
struct checkpoint_port {
    struct list waiting;  /* struct checkpoint, by number: not synced yet */
    struct list done;     /* written; shared, locked by the checkpointer */
    atomic_bool has_done; /* `done` is not empty */
    uint32_t under_way;   /* waiting, with the thread, or done */
    uint64_t wanted;      /* log_wanted, when it was obeyed last */
    uint64_t failed_ns;   /* when one failed last, 0: none has */
};

/* checkpointer.c: the thread. */
struct checkpointer *checkpointer_new(struct store *s);
void checkpointer_start(struct checkpointer *c);
/* Stop the thread, without starting what is queued. */
void checkpointer_stop(struct checkpointer *c);
void checkpointer_free(struct checkpointer *c);
/* Hand over `p`, whose commit is synced; it comes back by checkpointer_take. */
void checkpointer_send(struct checkpointer *c, struct checkpoint *p);
/* Write `p`, whose commit is synced, on this thread. */
void checkpointer_write(struct checkpointer *c, struct checkpoint *p);
/* Move what is done for `port` to `out`. */
void checkpointer_take(struct checkpointer *c, struct checkpoint_port *port,
                       struct list *out);
/* Wait until something is done for `port`, to which something was sent. */
void checkpointer_wait(struct checkpointer *c, struct checkpoint_port *port);
/* Do what is queued, on this thread (no checkpoint thread). */
void checkpointer_run(struct checkpointer *c);
/* Look whether segments can be freed now. */
void checkpointer_nudge(struct checkpointer *c);
/* Free no segment any more: something is only in the log and will be until
 * the next start. */
void checkpointer_keep_log(struct checkpointer *c);
bool checkpointer_keeps_log(struct checkpointer *c);
/* Free no segment until checkpointer_let_go was called as often; when this
 * returns none is being freed.  Blocks. */
void checkpointer_hold_log(struct checkpointer *c);
void checkpointer_let_go(struct checkpointer *c);
/* Free what is queued (no thread runs); its page files forget it. */
void checkpointer_forget(struct checkpointer *c);
uint64_t checkpointer_count(const struct checkpointer *c);

/* checkpoint.c: a client's side. */
/* Begin the checkpoint of `f` as of its last commit, unless one is under way
 * or nothing is to be written. */
void checkpoint_request(struct pagefile *f);
/* Give up the checkpoint of `f` if it is of a commit above `durable`. */
void checkpoint_cancel(struct pagefile *f, uint64_t durable);
/* Send off what is synced, finish what is written, and begin what the log and
 * the bound on memory want.  May free page files that linger. */
void checkpoint_poll(struct store_client *c);
/* Checkpoint everything of the client and wait for it; what cannot be written
 * stays in the log, of which nothing is freed any more then.  Blocks. */
void checkpoint_flush(struct store_client *c);
/* Write one checkpoint's pages to its file.  Returns 0 or ERR_*. */
int checkpoint_write(struct disk *disk, const struct checkpoint *p);
/* Make one with room for all of `pages`, held and sorted. */
struct checkpoint *checkpoint_new(const struct overlay *pages);
void checkpoint_free(struct checkpoint *p);

#endif
