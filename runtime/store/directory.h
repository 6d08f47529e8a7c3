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
 * real disk it is in memory and made anew from the objects' files.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
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

/* What changed.  Fields that are not known are left as they are. */
enum directory_known {
    DIRECTORY_NAME = 1,
    DIRECTORY_SIZE = 2, /* bytes, last_commit */
    DIRECTORY_ALARM = 4,
    DIRECTORY_DEAD = 8,
    DIRECTORY_GONE = 16, /* it has no storage any more */
};

/* Open or make `path` (absolute; NULL: in memory) and start its thread.
 * ERR_CORRUPT names the way out (`moonkeep verify --rebuild`), ERR_FULL,
 * ERR_IO. */
int directory_open(const char *path, struct directory **out, struct error *err);
/* Flush and close.  Readers are closed before.  NULL is allowed. */
void directory_close(struct directory *d);
/* The file was just made: what is in it is to be had from the objects. */
bool directory_is_new(const struct directory *d);

/* The object of `e` (class and id) exists, or is gone; copies.  Of several
 * notes about one object the last counts. */
void directory_note(struct directory *d, const struct directory_entry *e,
                    unsigned known);
/* Every note so far is in the file (not necessarily synced).  Blocks.
 * ERR_FULL, ERR_IO. */
int directory_flush(struct directory *d, struct error *err);
/* As the objects of class `from` now belong to `to`; to == NULL: are gone.
 * Blocks. */
int directory_move_class(struct directory *d, const char *from, const char *to,
                         struct error *err);

/* One for each thread that reads. */
int directory_reader_open(struct directory *d, struct directory_reader **out,
                          struct error *err);
void directory_reader_close(struct directory_reader *r);

struct directory_query {
    struct slice class_name; /* p == NULL: all classes */
    struct slice prefix;     /* of the name; only named ones if n != 0 */
    bool has_after;          /* begin behind `after_name` (n != 0) or, among
                                the nameless, behind `after_id` */
    struct slice after_name;
    struct oid after_id;
    bool with_alarm, with_dead; /* only those that have some */
    int64_t limit;              /* -1: none */
};

/* Call each(arg, entry) in order of class, then the named by name (bytes), then
 * the nameless by id; slices are borrowed.  Non-zero ends it and is returned.
 * Notes made before the call are seen.  ERR_IO, ERR_CORRUPT. */
int directory_list(struct directory_reader *r, const struct directory_query *q,
                   int (*each)(void *arg, const struct directory_entry *e),
                   void *arg, struct error *err);
/* Those whose next alarm is at or before `until`, by time, behind
 * (`after_time`, `after_id`); at most `limit`. */
int directory_due(struct directory_reader *r, int64_t until, int64_t after_time,
                  const struct oid *after_id, int limit,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err);
/* 1 and calls each, or 0: no such object. */
int directory_get(struct directory_reader *r, struct slice class_name,
                  const struct oid *id,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err);
/* Objects of a class (p == NULL: all), also those noted and not yet in the
 * file; may be off by what is under way. */
int64_t directory_count(struct directory_reader *r, struct slice class_name);

#endif
