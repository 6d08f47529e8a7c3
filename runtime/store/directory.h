/*
 * directory.h - every object of the node that has storage: by class and name,
 * with its size, last commit and next alarm.
 *
 *   worker: commit --directory_note--> [pending] --thread--> directory.sqlite
 *   any thread: directory_list, directory_due: pending and file as one
 *
 * An index, made of what the objects' own databases and the log say: a note is
 * seen by readers at once and is in the file a little later; what a crash takes
 * is put back from the log (recovery notes each object that it replays), and
 * no segment of the log is freed before directory_flush.  An entry too many is
 * harmless, and corrected when the object is next opened.
 *
 * Any thread.  The file is ordinary SQLite (WAL) in the data folder; without a
 * real disk it is in memory, has no thread, and is made anew from the objects'
 * files.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/logline.h"
#include "base/oid.h"
#include "base/slice.h"

struct directory;
struct directory_reader;

struct directory_entry {
    struct slice class_name;
    struct oid id;
    struct slice name;   /* empty: it has none */
    int64_t created;     /* ms since the Unix epoch: its first commit */
    int64_t last_commit; /* ms; as of the last checkpoint or note */
    int64_t bytes;       /* of the database */
    int64_t next_alarm;  /* ms; 0: none */
    int64_t dead;        /* dead letters among its alarms */
};

/* What changed.  Fields that are not known are left as they are; `created`
 * only counts for an object that the directory did not have. */
enum directory_known {
    DIRECTORY_NAME = 1,
    DIRECTORY_SIZE = 2, /* bytes, last_commit */
    DIRECTORY_ALARM = 4,
    DIRECTORY_DEAD = 8,
    DIRECTORY_GONE = 16, /* it has no storage any more */
    DIRECTORY_NEW = 32,  /* its first commit: every field counts, and nothing
                            of what was said of it before */
};

struct directory_config {
    const char *path;      /* absolute; copied; NULL: in memory */
    struct logger *logger; /* borrowed; NULL: silent */
    bool makes_anew;       /* remove the file that is there */
};

/* Open or make the file and start the thread that writes it.  ERR_CORRUPT
 * names the way out (`moonkeep verify --rebuild`), ERR_FULL, ERR_IO. */
int directory_open(const struct directory_config *config,
                   struct directory **out, struct error *err);
/* Flush and close.  Readers are closed before.  NULL is allowed. */
void directory_close(struct directory *d);
/* As after a power cut: close without writing (tests). */
void directory_drop(struct directory *d);
/* What was before this start is to be had from the objects: the file was just
 * made, or is half made. */
bool directory_is_new(const struct directory *d);
/* How the directory knows that what was noted is durable: `begin` is called
 * before it looks at the notes, `settle`, with what that returned, before it
 * writes them; false: not now.  Any thread, and settle may wait. */
struct directory_durable {
    uint64_t (*begin)(void *arg);
    bool (*settle)(void *arg, uint64_t begun);
    void *arg;
};
/* From now on a note is of a commit that may not be durable yet, or may come to
 * nothing.  In memory that does not matter. */
void directory_follow(struct directory *d,
                      const struct directory_durable *durable);
/* What is_new asks for is there; once flushed it is so for the next start.
 * ERR_FULL, ERR_IO. */
int directory_complete(struct directory *d, struct error *err);

/* The object of `e` (class and id) exists, or is gone; copies, never blocks on
 * the disk, well under a microsecond.  Of several notes about one object the
 * last counts. */
void directory_note(struct directory *d, const struct directory_entry *e,
                    unsigned known);
/* Every note so far is in the file (not necessarily synced).  Blocks.  On
 * failure nothing is lost: the notes wait in memory.  ERR_FULL, ERR_IO,
 * ERR_CORRUPT; ERR_BUSY: what they tell is not durable. */
int directory_flush(struct directory *d, struct error *err);
/* The objects of class `from` now belong to `to`; to == NULL: are gone.  No
 * readers and no notes meanwhile.  Harmless when there are none.  Blocks. */
int directory_move_class(struct directory *d, const char *from, const char *to,
                         struct error *err);

/* One for each thread that reads.  ERR_IO, ERR_CORRUPT, ERR_NOMEM. */
int directory_reader_open(struct directory *d, struct directory_reader **out,
                          struct error *err);
void directory_reader_close(struct directory_reader *r); /* NULL is allowed */

struct directory_query {
    struct slice class_name; /* p == NULL: all classes */
    struct slice prefix;     /* of the name; only named ones if n != 0 */
    bool has_after;          /* with a class: begin behind `after_name`
                                (n != 0) or, among the nameless, `after_id` */
    struct slice after_name;
    struct oid after_id;
    bool with_alarm, with_dead; /* only those that have some */
    int64_t limit;              /* -1: none */
};

/* Call each(arg, entry) in order of class, then the named by name (bytes), then
 * the nameless by id; slices are borrowed.  Non-zero ends it and is returned.
 * Notes made before the call are seen, each object once.  `each` may note and
 * read.  ERR_IO, ERR_CORRUPT. */
int directory_list(struct directory_reader *r, const struct directory_query *q,
                   int (*each)(void *arg, const struct directory_entry *e),
                   void *arg, struct error *err);
struct directory_span {
    int64_t until;              /* next alarms at this time or before ... */
    int64_t after_time;         /* ... and behind this one, */
    const struct oid *after_id; /* with this id; NULL: behind all of that
                                   time */
    int limit;                  /* so many at most */
};

/* Those whose next alarm is in `span`, by time and id.  Of the entries only
 * class, id, name and alarm are given.  As above. */
int directory_due(struct directory_reader *r, const struct directory_span *span,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err);
/* 1 and calls each, or 0: no such object. */
int directory_get(struct directory_reader *r, struct slice class_name,
                  const struct oid *id,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err);
/* Objects of a class (p == NULL: all), also those noted and not yet in the
 * file, without looking at each; or ERR_*. */
int64_t directory_count(struct directory_reader *r, struct slice class_name);
/* Call each for the objects of which the name was never noted (found in the log
 * after a crash); flushes.  They stay so until DIRECTORY_NAME is noted. */
int directory_unnamed(struct directory_reader *r,
                      int (*each)(void *arg, const struct directory_entry *e),
                      void *arg, struct error *err);

#endif
