/*
 * db.h - one object's database: the implicit transaction, nested ones, and
 * what an object's reset means for it.  The tables are reached through kv.h
 * and sql.h.
 *
 *   first write in a turn --> BEGIN ... db_commit at the end of the turn
 *
 * Nothing here waits for the disk.  One thread: its client's.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oid.h"
#include "base/slice.h"
#include "store/store.h"

struct db;

/* How far a statement may run: called every few thousand virtual machine
 * steps; non-zero interrupts the statement (the caller then knows why). */
typedef int (*db_progress_cb)(void *arg);

struct db_config {
    struct store_client *client; /* borrowed */
    const char *class_name;      /* copied */
    struct oid id;
    struct slice name;       /* copied; n == 0: not known (see db_name) */
    bool is_name_stored;     /* if the object exists, it is stored in it */
    db_progress_cb progress; /* NULL: none; only asked about the script's SQL */
    void *progress_arg;
    int64_t memory_bytes; /* most that SQLite may take for the script's SQL of
                             this object; 0: DB_MEMORY_DEFAULT */
};

/* Three times limits.turn_mb: pages, and what undoing them takes, twice. */
enum { DB_MEMORY_DEFAULT = 192 * 1024 * 1024 };

/* Open the database; cheap: no file is made by this, and SQLite's part, which
 * may fail with ERR_IO, ERR_CORRUPT or ERR_NOMEM, comes with the first use.
 * Returns 0, ERR_IO, ERR_CORRUPT; `*err` says more. */
int db_open(const struct db_config *config, struct db **out, struct error *err);
/* Roll back what is not committed and close.  Cursors and lists that are still
 * open end with ERR_CLOSED and may be freed later.  NULL is allowed. */
void db_close(struct db *d);
/* Roll back and drop every commit that is not durable, then close: for a
 * reset after the log failed. */
void db_discard(struct db *d);

/* The object's name: as configured, or as stored with its first commit;
 * empty when it has none.  Borrowed until db_close. */
struct slice db_name(struct db *d);
/* The object has at least one commit (it exists). */
bool db_exists(const struct db *d);

/* Something was written since the last commit. */
bool db_is_dirty(const struct db *d);
/*
 * End the implicit transaction: all writes since the last commit become one
 * record of the log.  With nothing written it does nothing.  Open cursors
 * survive; nested transactions that were not ended are undone.  On failure
 * everything since the last commit is undone and the database is broken
 * (db_is_broken).
 *
 * Returns 0; ERR_LIMIT, ERR_FULL, ERR_IO, ERR_RESET; or ERR_SQL when a deferred
 * foreign key is violated (text: "Durable Object was reset and rolled back to
 * its last known good state because the application left the database in a
 * state where constraints were violated: FOREIGN KEY constraint failed:
 * SQLITE_CONSTRAINT_FOREIGNKEY").
 */
int db_commit(struct db *d, struct error *err);
/* Undo everything since the last commit; nested transactions end too. */
void db_rollback(struct db *d);
/* The number that output must wait for: of the last commit in which a
 * confirmed write took part, or, before that, of the last one of any kind
 * before the database was opened; 0: none. */
uint64_t db_gate(const struct db *d);
/* The number of the last commit of any kind, or 0: what storage:sync waits
 * for. */
uint64_t db_last_commit(const struct db *d);

/* Rows that were read and written since it was opened, those that were undone
 * as well: keys, alarms (written ones), and what cursors count (sql.h), when
 * they end. */
struct db_tally {
    uint64_t read, written;
};
struct db_tally db_tally(const struct db *d);

/* Nested transactions (storage:transaction).  begin returns the new depth
 * (1..) or ERR_*.  Each is ended by exactly one of release and undo, innermost
 * first.  Undo also undoes what nested released ones wrote. */
int db_savepoint_begin(struct db *d, struct error *err);
int db_savepoint_release(struct db *d, struct error *err);
int db_savepoint_undo(struct db *d, struct error *err);
int db_savepoint_depth(const struct db *d);

/* Drop keys, tables, alarms: everything.  What the turn wrote before is gone
 * too; part of the turn's transaction.  Cursors end with an error.  Returns 0
 * or ERR_INVALID inside a transaction ("Cannot call deleteAll() within a
 * transaction"). */
int db_delete_all(struct db *d, struct error *err);

/* All of an object, as it is to be from now on (adopt.h). */
struct db_image {
    const char *pages; /* STORE_PAGE bytes each, from the first on */
    uint32_t count;
    struct slice name; /* that is in it; empty: none */
    int64_t next_alarm, dead;
};

/* Put `image` (borrowed) in the place of everything that was there, as one
 * commit.  `d` was just opened, and is only closed after.  Returns 0; ERR_LIMIT
 * (of storage or of a turn), ERR_FULL, ERR_IO, ERR_RESET: nothing has changed.
 */
int db_replace(struct db *d, const struct db_image *image, struct error *err);

/* SQLite has rolled back on its own (full, I/O, memory): the turn's writes are
 * gone and the object must be reset; every later call fails with this error.
 * `err` (may be NULL) gets it. */
bool db_is_broken(const struct db *d, struct error *err);

/* The object has nothing to do for now: give back the memory that only makes
 * the next use faster. */
void db_shrink(struct db *d);

#endif
