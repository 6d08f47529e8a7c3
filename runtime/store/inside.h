/*
 * inside.h - what the files of this folder know of each other: store, client,
 * page file.  Nobody outside includes it.
 *
 *   store 1--n client 1--n page file 1--n commit (not synced yet)
 *                                    1--1 checkpoint (under way)
 *
 * Everything of a client belongs to its thread, but for what is said to be
 * shared.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"
#include "store/checkpoint.h"
#include "store/connection.h"
#include "store/directory.h"
#include "store/log.h"
#include "store/overlay.h"
#include "store/pagefile.h"
#include "store/vfs.h"
#include "store/warmer.h"

/* A class that was seen since the start; never freed before the store. */
struct store_class {
    struct store_class *next;
    atomic_bool has_commits;
    char name[];
};

struct history;

struct store {
    struct store_config config;
    struct log *log;
    struct checkpointer *checkpointer;
    struct warmer *warmer;
    struct directory *directory;
    struct history *history;
    struct template_image image; /* read only once open */
    pthread_mutex_t mutex;       /* all below */
    struct store_class *classes;
    struct list clients;
    bool is_dropped;
};

/* The first pages of the file that was opened last: most are no longer. */
struct ahead {
    const struct pagefile *file; /* NULL: they do not count */
    uint32_t count;
    uint8_t *pages; /* owned; NULL until needed */
};

struct store_client {
    struct store *store;
    struct list link; /* in store->clients */
    struct log_port port;
    struct vfs vfs;
    struct checkpoint_port checkpoints;
    /* No commit before this one needs the log; shared. */
    _Atomic uint64_t needed_from;

    struct pagefile **buckets; /* every page file, also those that linger */
    size_t bucket_count, file_count;
    struct list commits; /* struct commit, by number: not synced yet */
    struct list dirty;   /* struct pagefile, by needed_from: not in its file */
    int64_t overlay_pages; /* of all page files */
    struct connections connections;
    int64_t alarm_generation;        /* the last that was given */
    struct directory_reader *reader; /* owned; NULL until it is needed */
    struct buf scratch;              /* the record that is being made */
    struct page_pool spare;
    struct list open_files; /* struct pagefile with a file, by last use */
    size_t open_file_count;
    struct ahead ahead;
};

/* What a commit replaced; `page` is NULL where the page was in the file. */
struct undo_page {
    uint32_t number;
    struct page *page; /* owned */
};

/* What a page file is apart from its pages; a commit changes it as a whole.
 * The last two take effect when the checkpoint under way has ended. */
struct page_state {
    uint64_t last_commit;
    uint32_t page_count; /* of the database */
    bool exists;         /* a commit made it; else it is the template */
    bool is_reset;       /* nothing in the file counts any more */
    bool next_is_reset;
    uint64_t base_at; /* the commit that reset it, if the file as it was is
                         kept (base.h), or 0 */
    uint64_t next_base_at;
    int64_t next_alarm;  /* as the last commit said; -1: it is not known */
    int64_t dead;        /* likewise */
    uint32_t file_pages; /* pages of the file that may be read */
    uint32_t next_file_pages;
};

/* A commit on its way, and how to take it back. */
struct commit {
    struct log_entry entry;
    struct list client_link, file_link;
    struct pagefile *file;
    struct page_state before;
    bool is_reset, keeps_base;
    struct overlay replaced; /* by a reset: all pages there were */
    uint32_t undo_count;
    struct undo_page undo[];
};

struct pagefile {
    struct store_client *client;
    struct store_class *class;
    struct oid id;
    struct pagefile *next; /* in its bucket */
    bool is_open;          /* false: lingers until it is checkpointed */
    bool is_known;         /* has had a connection */

    struct page_state state; /* after the last commit */
    struct overlay pages;    /* committed and not in the file */
    uint32_t epoch;      /* pages logged in it may be logged as differences */
    struct list commits; /* struct commit, by number: not synced yet */

    struct file *file; /* owned; NULL until it is opened */
    struct list file_link;

    /* The open transaction. */
    struct overlay written;
    uint32_t page_count; /* as the transaction sees it */
    uint32_t cut;        /* committed pages above it are gone */
    bool resets;         /* it began with pagefile_reset */
    bool restores;       /* it goes back to what was; logged in any case */
    int failure;         /* ERR_*: of the last operation that failed */
    bool is_refused;     /* it was the log that refused */
    int64_t next_alarm;
    int64_t dead_letters; /* -1: not known */
    struct slice name;    /* borrowed; set when the commit stores it first */

    int64_t time_ms;  /* of the commit being made, then of the last; or 0 */
    int64_t noted_ms; /* of the last whose size the directory was told */

    struct list dirty_link;
    uint64_t needed_from;  /* first commit that is not in the file, or 0 */
    uint64_t needed_after; /* the same, of those after `checkpoint` */
    struct checkpoint *checkpoint; /* under way; owned by it or the thread */
};

/* pagefile.c */
/* One whole page into `out`; a page that does not exist reads as zeros.
 * Returns 0 or ERR_*. */
int pagefile_read(struct pagefile *f, uint32_t number, uint8_t *out);
int pagefile_write(struct pagefile *f, uint32_t number, const uint8_t *page);
void pagefile_truncate(struct pagefile *f, uint32_t page_count);
/* The number of the last commit of the object, as far as the client still knows
 * of it; 0: all that it has is in its file. */
uint64_t pagefile_commit_of(const struct store_client *c,
                            const char *class_name, const struct oid *id);
/* Forget the open transaction. */
void pagefile_rollback(struct pagefile *f);
/* Free a page file that nobody has open and that needs nothing more.
 * [may free f] */
void pagefile_settle(struct pagefile *f);
/* Free it, whatever it has. */
void pagefile_free(struct pagefile *f);

/* pagefile_file.c */
/* Open the object's file and read its beginning.  Returns its size, or ERR_*
 * (ERR_NOT_FOUND: there is none). */
int64_t pagefile_open_file(struct pagefile *f);
/* A page of the file into `out`.  Returns the bytes that it has of it, or
 * ERR_*. */
int64_t pagefile_read_file(struct pagefile *f, uint32_t number, uint8_t *out);
/* The file has changed: forget what was read of it ahead. */
void pagefile_forget_ahead(const struct pagefile *f);
/* Stop reading the file: it is removed, or too many are open. */
void pagefile_close_file(struct pagefile *f);
/* Path of an object's file under the data folder; owned by the caller. */
char *pagefile_path(const char *class_name, const struct oid *id);

/* store.c */
/* Free it: no thread runs, no client is attached. */
void store_free(struct store *s);

/* classes.c */
/* The store's one entry for that name; borrowed.  Any thread. */
struct store_class *classes_intern(struct store *s, const char *name);
/* Whether it is one that the runtime could have given a class: it becomes part
 * of a path. */
bool classes_is_name(struct slice name);
/* 1 when the class has a file, 0 when not, or ERR_*. */
int classes_has_file(struct disk *d, const char *name);

/* class_move.c */
/* Remove what is left of a deleted class.  Returns 0 or ERR_*. */
int class_move_sweep(struct disk *d);

/* noting.c: what the directory is told of `f` */
/* It has no data: what the directory has of it is wrong. */
void noting_absent(struct pagefile *f);
/* A commit was made; `before` is what it changed. */
void noting_commit(struct pagefile *f, const struct page_state *before);
/* Its pages have been written to its file. */
void noting_checkpoint(struct pagefile *f);
/* Commits were taken back: look into its database, with no connection open. */
void noting_undone(struct pagefile *f);

/* facts.c */
struct facts {
    struct buf name; /* owned; empty: it has none */
    int64_t next_alarm, dead;
};
/* Read the runtime's tables of an object that exists; it has no connection.
 * Returns 0 and facts to be freed, or ERR_*. */
int facts_read(struct pagefile *f, struct facts *out, struct error *err);
void facts_fini(struct facts *facts);

/* rebuild.c */
/* Put into the directory what only the objects' files know: all, when it is
 * new; else the names of those that were found in the log.  Before the threads
 * start and clients come.  Returns 0 or ERR_*. */
int rebuild_run(struct store *s, struct error *err);

/* commit.c */
/* Log what the open transaction wrote, if anything.  Returns 0; or ERR_*, also
 * in f->failure, and the transaction is forgotten. */
int commit_pages(struct pagefile *f);
/* Free the client's commits up to `synced`: they cannot be taken back. */
void commit_release(struct store_client *c, uint64_t synced);
/* Take back the commits of `f` above `durable`. */
void commit_undo(struct pagefile *f, uint64_t durable);

/* undoing.c: what the record of the open transaction says of what was */
/* How page `number`, logged whole as `page`, was before. */
void undoing_page(struct pagefile *f, uint32_t number, const struct page *page,
                  struct buf *out);
/* What the transaction does away with, and notes. */
void undoing_rest(struct pagefile *f, struct buf *out);
/* The transaction does away with more than its record says: the file as it is
 * has to be kept. */
bool undoing_needs_base(const struct pagefile *f);

/* The object's first commit that its file lacks is `number`; 0: none. */
void checkpoint_set_needed(struct pagefile *f, uint64_t number);

#endif
