/*
 * store.h - a data folder: the commit log, its recovery and checkpoints, and
 * the files of the objects.  DESIGN.md, section 4.
 *
 *   worker: pagefile commit, store_send --> [queue] --log thread--> write, sync
 *   worker: store_poll <----- wake ----- durable number or failure
 *
 * A store is shared by all workers; each talks to it through a client of its
 * own, used by that worker's thread only.  Commits get numbers from one
 * sequence in the order in which they will stand in the log; a number is
 * durable when its record and all before it are on disk.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/logline.h"
#include "base/oid.h"
#include "base/random.h"

struct store;
struct store_client;
struct directory;
struct directory_reader;

enum store_durability { STORE_DISK, STORE_RELAXED };
enum store_threads { STORE_LOG_THREAD, STORE_PUMPED };

struct store_config {
    struct disk *disk;         /* borrowed; outlives the store */
    const struct clock *clock; /* borrowed */
    struct random *random;     /* of SQL's functions; borrowed; NULL: its own */
    struct logger *logger;     /* borrowed; NULL: silent */
    int64_t segment_bytes;     /* 0: 64 MiB */
    int64_t object_bytes;      /* limits.storage_mb in bytes; 0: no limit */
    int64_t turn_bytes;        /* limits.turn_mb in bytes; 0: no limit */
    int64_t history_ms;        /* how long history is kept; 0: not at all */
    enum store_durability durability;
    enum store_threads threads; /* PUMPED: no thread; store_pump writes */
    /* The directory's file, absolute, in the disk's root folder; copied.
     * NULL: it is in memory, and made from the objects' files at each start. */
    const char *directory_path;
    bool makes_directory_anew;
    /* Called now and then while the directory is made, with the number of
     * objects so far; NULL: not. */
    void (*on_rebuild)(void *arg, int64_t objects);
    void *on_rebuild_arg;
};

/* What happened in the log since the last poll. */
struct store_report {
    uint64_t durable;   /* every commit up to this number is on disk */
    bool failed;        /* commits of this client above `durable` are void */
    struct error error; /* why, when failed */
};

/*
 * Lock the folder, recover from the log, and start.
 *
 * Returns 0 or: ERR_LOCKED (another process holds the folder; the text says
 * which, by its pid), ERR_CORRUPT (a bad record before the tail: the text
 * names segment, offset and the way out), ERR_FULL, ERR_IO.  Blocks.
 */
int store_open(const struct store_config *config, struct store **out,
               struct error *err);
/* Make everything durable, checkpoint every object, close.  All clients are
 * detached before.  NULL is allowed.  Blocks. */
void store_close(struct store *s);
/* As after a power cut: drop everything without writing (tests).  Page files
 * may still be closed and clients detached; the last one frees the store. */
void store_drop(struct store *s);

/*
 * Open the store with a new directory, made from the objects' files, and close
 * it: the way out when directory.sqlite is damaged.  `progress` (NULL: none)
 * is called now and then with the number of objects so far.  Returns how many
 * there are, or as store_open.  Blocks.
 */
int64_t store_rebuild_directory(const struct store_config *config,
                                void (*progress)(void *arg, int64_t objects),
                                void *arg, struct error *err);
/* All objects that have storage (directory.h); borrowed. */
struct directory *store_directory(struct store *s);

/* A client for one worker.  `wake(arg)` is called from the log thread, after
 * each batch and failure, at most once between two polls; it may only signal.
 * NULL with STORE_PUMPED. */
struct store_client *store_attach(struct store *s, void (*wake)(void *arg),
                                  void *arg);
/* All page files of the client are closed before.  What they wrote is made
 * durable and checkpointed.  Blocks. */
void store_detach(struct store_client *c);

/* The client's way to look into the directory, on its thread; borrowed, opened
 * at the first call.  NULL and `*err` when it cannot be. */
struct directory_reader *store_client_reader(struct store_client *c,
                                             struct error *err);

/* The object will be opened soon: where files come slowly its own is read ahead
 * of that.  Never blocks on the disk. */
void store_expect(struct store_client *c, const char *class_name,
                  const struct oid *id);
/* Let the log thread begin with what was committed since the last call; cheap
 * when that is nothing.  A worker calls it when it has run what there was to
 * run, so that one sync serves all of it and does not take the processor away
 * in the middle. */
void store_send(struct store_client *c);
/* The client has little to do: give back what only makes the next use faster,
 * spare connections but one, spare pages and buffers. */
void store_trim(struct store_client *c);
/* So much of the client waits for the disk, to be logged or to go to the
 * objects' files, that what can be put off should be.  A later store_poll tells
 * that it is not so any more. */
bool store_is_behind(const struct store_client *c);
/* The number of the last commit of the object, as far as the client still
 * knows of it: of any that is not durable yet.  0: none. */
uint64_t store_commit_of(const struct store_client *c, const struct oid *id);
/* Fill `*out`; never blocks. */
void store_poll(struct store_client *c, struct store_report *out);
/* After a failed report, once every page file with a commit above the durable
 * number has been discarded: commits are accepted again. */
void store_resume(struct store_client *c);
/* Write and sync all that is queued (STORE_PUMPED only).  Returns the number
 * of commits written, or ERR_*. */
int store_pump(struct store *s);
/*
 * For copies of a store that goes on (snapshot.h): until store_let_log_go was
 * called as often, no part of the log that is needed now is used again.
 * Returns the sequence of its first segment.  Any thread; may block.
 */
uint64_t store_hold_log(struct store *s);
void store_let_log_go(struct store *s);
/* Wait until everything that was committed so far is on disk; `*number` is the
 * last commit that is.  ERR_IO: the disk is not well.  Any thread but a
 * worker's; blocks. */
int store_point(struct store *s, uint64_t *number, struct error *err);

/* Numbers for metrics and benches; any thread. */
enum { STORE_BATCHES = 12 };
struct store_stats {
    uint64_t commits, syncs, bytes_logged, checkpoints, segments;
    /* Writes of the log by their commits: up to 2^i; the last one: more. */
    uint64_t batches[STORE_BATCHES];
    bool is_failing; /* the log cannot be written, commits fail */
};
void store_stats(struct store *s, struct store_stats *out);

/* Call `each` for every class folder under objects/ that has at least one
 * object (on disk or in the log), and for classes that had one since the
 * start.  Stops at non-zero and returns it.  Any thread; reads folders. */
int store_classes(struct store *s,
                  int (*each)(void *arg, const char *class_name), void *arg);

/*
 * Between store_open and the first store_attach: give the objects of class
 * `from` to class `to`, or delete those of class `name`.  After a crash all is
 * as before or all is done, and doing it again is harmless: a class without
 * objects is not touched.  Blocks.
 *
 * Returns 0; ERR_EXISTS (both classes have objects), ERR_INVALID (not the name
 * of a class), ERR_FULL, ERR_IO; `*err` says more.
 */
int store_rename_class(struct store *s, const char *from, const char *to,
                       struct error *err);
int store_delete_class(struct store *s, const char *name, struct error *err);

#endif
