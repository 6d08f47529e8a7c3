/*
 * directory_inside.h - what the files of the directory know of each other:
 * notes that wait, connections to the file, the directory itself.
 *
 *   note --> open batch --seal (writer or reader)--> sealed batches --> file
 *
 * A sealed batch does not change, so readers look at it without a lock; it
 * goes when all of it is in the file.  Whoever takes the batches first and
 * looks into the file then misses nothing.
 */
#ifndef STORE_DIRECTORY_INSIDE_H
#define STORE_DIRECTORY_INSIDE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/list.h"
#include "store/directory.h"

enum {
    DIRECTORY_FIELDS =
        DIRECTORY_NAME | DIRECTORY_SIZE | DIRECTORY_ALARM | DIRECTORY_DEAD,
    DIRECTORY_ANY = DIRECTORY_FIELDS | DIRECTORY_GONE | DIRECTORY_NEW,
};

/* ---- notes ---- */

/* What is said of one object, the later over the earlier.  NEW: nothing that
 * the file says counts; the fields that are known are all there is. */
struct note {
    struct note *next; /* in its slot */
    struct oid id;
    uint32_t class;
    unsigned known;
    struct slice name; /* p == NULL: none */
    int64_t created, last_commit, bytes, next_alarm, dead;
};

struct chunk;

struct batch {
    struct list link;
    atomic_uint refs;
    struct note **slots; /* slot_count of them, a power of two */
    uint32_t slot_count, count;
    struct chunk *chunks; /* notes and names */
    size_t chunk_left;
};

struct batch *batch_new(uint32_t expected);
void batch_drop(struct batch *b);
/* NULL when nothing is said of it. */
struct note *batch_find(const struct batch *b, uint32_t class,
                        const struct oid *id);
/* Add `n`, or fold it into what is there; copies. */
void batch_add(struct batch *b, const struct note *n);
/* What is known after `to` and then `from`; the name is borrowed. */
void note_fold(struct note *to, const struct note *from);

/* Not yet in the file. */
struct pending {
    pthread_mutex_t mutex; /* all below */
    struct batch *open;
    struct list sealed; /* struct batch, oldest first */
    size_t sealed_notes;
};

void pending_init(struct pending *p);
void pending_fini(struct pending *p);
/* Take all there is for reading, oldest first; each is to be dropped.  Returns
 * how many; `*out` is owned, NULL when 0. */
size_t pending_take(struct pending *p, struct batch ***out);
/* All there is as one sealed batch, borrowed until pending_written; NULL: there
 * is nothing.  One thread at a time. */
struct batch *pending_fold(struct pending *p);
void pending_written(struct pending *p, struct batch *b);

/* ---- the file ---- */

enum file_statement {
    FILE_BEGIN,
    FILE_COMMIT,
    FILE_ROLLBACK,
    FILE_INSERT,
    FILE_SET_ALL,
    FILE_SET_NAME,
    FILE_SET_SIZE,
    FILE_SET_REST, /* alarm and dead letters, and the size */
    FILE_DELETE,
    FILE_CLASS,
    FILE_COUNT,
    FILE_GET,
    FILE_NAMED, /* and the three after it: with an alarm, dead, both */
    FILE_NAMELESS = FILE_NAMED + 4,
    FILE_DUE = FILE_NAMELESS + 4,
    FILE_UNNAMED,
    FILE_TOTAL, /* of a class */
    FILE_STATEMENTS
};

/* One connection with its statements.  A function that takes an error has
 * filled it when it fails. */
struct dirfile {
    sqlite3 *db;
    sqlite3_stmt *at[FILE_STATEMENTS];
};

/* Connect; `path` NULL: in memory.  0 or ERR_*. */
int dirfile_open(struct dirfile *f, const char *path, struct error *err);
void dirfile_close(struct dirfile *f);
/* Make the tables unless they are there and whole; `*is_new` says which. */
int dirfile_prepare(struct dirfile *f, bool *is_new, struct error *err);
/* The tables are whole from here on. */
int dirfile_mark_whole(struct dirfile *f, struct error *err);
/* The statement, reset, or NULL and `*err`. */
sqlite3_stmt *dirfile_statement(struct dirfile *f, enum file_statement which,
                                struct error *err);
/* Run a statement without rows; resets it. */
int dirfile_run(struct dirfile *f, sqlite3_stmt *st, struct error *err);
/* Run one without values. */
int dirfile_do(struct dirfile *f, enum file_statement which, struct error *err);
/* Say what the last failure of the connection means. */
int dirfile_failed(struct dirfile *f, struct error *err);
/* The row that `st` stands on; the name is borrowed. */
struct note dirfile_row(sqlite3_stmt *st);
/* 1 and `*out` (borrowed until the next call), 0, or ERR_*. */
int dirfile_get(struct dirfile *f, uint32_t class, const struct oid *id,
                struct note *out, struct error *err);

/* ---- the directory ---- */

struct dirclass {
    struct dirclass *next;
    uint32_t number; /* in the file; 0: renamed or deleted */
    char name[];
};

struct directory {
    struct logger *logger;
    char *path; /* owned; NULL: in memory */
    bool is_new;
    struct pending pending;
    struct dirclass *classes; /* under pending.mutex; freed at the end only */
    _Atomic uint32_t last_class; /* the highest number */

    pthread_mutex_t file_mutex;       /* the three below */
    struct directory_durable durable; /* settle == NULL: all is */
    struct dirfile file;
    bool is_sick; /* and that was logged */

    pthread_cond_t work; /* with pending.mutex, as the rest */
    bool is_idle;        /* the thread waits for a note */
    bool is_stopping;
    bool has_thread;
    pthread_t thread;
};

/* directory_classes.c */
/* Number of a class, made on first use; with pending.mutex. */
uint32_t directory_intern(struct directory *d, struct slice name);
/* The same, but 0 when it is not there; takes the mutex. */
uint32_t directory_find_class(struct directory *d, struct slice name);
/* The name of class `number`, borrowed until the directory is closed. */
struct slice directory_class_name(struct directory *d, uint32_t number);
/* Those that the file has. */
int directory_load_classes(struct directory *d, struct error *err);
/* directory_write.c: write all pending notes in one transaction; with
 * file_mutex. */
int directory_write(struct directory *d, struct error *err);

/* ---- reading ---- */

/* Notes that wait, as they were at one moment; they override the file. */
struct view {
    struct batch *notes; /* owned: folded; NULL: none */
    struct note **order; /* owned; those that are to be given */
    size_t count;
};

/* One read transaction of one page.  In memory everybody shares the
 * connection. */
struct dirread {
    struct directory_reader *reader;
    struct dirfile *file;
    struct view view;
    struct error *err;
};

struct directory_reader {
    struct directory *d;
    struct dirfile own; /* not in memory */
};

/* What is given to the caller, copied, when the transaction is over. */
struct dirpage {
    struct directory_entry *entries; /* names are in `names`, one by one */
    size_t count, cap;
    struct buf names;
};

/* Begin with the pending notes of class `class` (0: all), or of one object
 * alone if `id`.  0 or ERR_*; end it in both cases. */
int dirread_begin(struct dirread *r, struct directory_reader *reader,
                  uint32_t class, const struct oid *id);
void dirread_end(struct dirread *r);
/* What is said of it, or NULL. */
struct note *dirread_note(const struct dirread *r, uint32_t class,
                          const struct oid *id);
/* Complete `n`, of dirread_note, by what the file has: 1; 0: it is gone; or
 * ERR_*. */
int dirread_complete(struct dirread *r, struct note *n);

/* directory_merge.c */
/* Bytes, a shorter one before what it begins. */
int note_compare_bytes(struct slice a, struct slice b);
/* Of two struct note *, for qsort: the named before the nameless. */
int note_by_name(const void *a, const void *b);
/* Keep of the notes that wait those for which takes(arg, ...) is 1, sorted.
 * Returns 0 or what `takes` said below 0. */
int dirread_order(struct dirread *r,
                  int (*takes)(void *arg, struct dirread *r, struct note *n),
                  void *arg, int (*compare)(const void *a, const void *b));
/* Rows of `st` and those notes in one order into `page`, until it has `most`.
 * A note with one of `fields` stands for the row of its object. */
int dirread_merge(struct dirread *r, sqlite3_stmt *st, unsigned fields,
                  int (*compare)(const void *a, const void *b),
                  struct dirpage *page, int64_t most);

void dirpage_add(struct dirpage *p, const struct note *n);
/* Call each for every entry; frees the page. */
int dirpage_send(struct dirpage *p, struct directory *d,
                 int (*each)(void *arg, const struct directory_entry *e),
                 void *arg);

#endif
