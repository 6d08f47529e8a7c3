/*
 * db_conn.h - the inside of a struct db, for the files of store that work on
 * it: the connection, its own statements, the open transaction, and what a
 * failure of SQLite means.
 *
 *   db_conn_enter --> db_conn_begin (a write) --> ... --> db_conn_fail
 *
 * The connection is had when it is needed: an object that never looks at its
 * storage has none, and one that has only keys and values may lose its own to
 * another object between two calls.
 */
#ifndef STORE_DB_CONN_H
#define STORE_DB_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "store/connection.h"
#include "store/db.h"
#include "store/pagefile.h"
#include "store/sql_cache.h"

/* The runtime's own statements, compiled when first used and then kept with
 * the connection. */
enum db_own {
    DB_OWN_BEGIN,
    DB_OWN_COMMIT,
    DB_OWN_ROLLBACK,
    DB_OWN_SAVEPOINT,
    DB_OWN_RELEASE,
    DB_OWN_UNDO,
    DB_OWN_GET,
    DB_OWN_PUT,
    DB_OWN_DELETE,
    DB_OWN_LIST,
    DB_OWN_LIST_DOWN,
    DB_OWN_NAME,
    DB_OWN_SET_NAME,
    DB_OWN_ALARM_GET,
    DB_OWN_ALARM_PUT,
    DB_OWN_ALARM_MOVE,
    DB_OWN_ALARM_DELETE,
    DB_OWN_ALARM_FIRST,
    DB_OWN_ALARM_LIST,
    DB_OWN_ALARM_COUNT,
    DB_OWN_FACTS, /* of facts.c, which has no struct db */
    DB_OWN_COUNT
};

/* What the transaction was when a savepoint began. */
struct db_frame {
    bool is_dirty, is_confirmed;
    uint64_t kv_writes, alarm_writes;
    uint32_t schema_changes;
};

/* What is known of the object's alarms, as the open transaction sees them; -1:
 * not known. */
struct db_alarms {
    int64_t next;  /* when the first is due, or 0: there is none */
    int64_t count; /* of those alive */
    int64_t dead;  /* dead letters */
};

struct db {
    struct pagefile *pf;         /* owned */
    struct connection *conn;     /* owned; NULL until needed, and again when
                                    another object has taken it */
    struct sqlite3_stmt *parked; /* borrowed; its row is still being read */
    struct error *broken;        /* owned; NULL while all is well */

    char *name; /* owned; NULL: none, or not looked for yet */
    size_t name_n;
    bool is_name_known;  /* looked for */
    bool is_name_stored; /* in _mk_meta, as far as we know */

    bool is_open;      /* BEGIN has run */
    bool is_dirty;     /* something was written after it */
    bool is_confirmed; /* one of the writes holds the output gate */
    bool is_reset;     /* delete_all in this transaction */
    uint64_t gate;
    uint64_t rows_read, rows_written; /* ever; these by the script's SQL */
    uint64_t kv_writes;               /* of _mk_kv, ever */
    uint64_t kv_writes_begin;         /* of them, before the open transaction */
    uint64_t alarm_writes;            /* of _mk_alarms, ever */
    uint64_t alarm_writes_begin;      /* as kv_writes_begin */
    uint32_t schema_changes;          /* by the script's SQL, ever */
    uint32_t schema_changes_begin;    /* as kv_writes_begin */

    struct db_frame *frames; /* owned */
    int frame_count, frame_cap;

    struct db_alarms alarms;     /* alarm_rows.c */
    struct kv_recent *kv_recent; /* owned; NULL: nothing is known */
    struct list kv_lists;        /* kv_list.c */
    struct list cursors;         /* sql_cursor.c */
    struct sql_cache cache;
    const struct sql_visit *visit; /* borrowed; NULL: the script's SQL */

    db_progress_cb progress;
    void *progress_arg;
    int64_t memory_bytes; /* most that SQLite may hold for its statements */
    int64_t cursor_bytes; /* held by open cursors */
    int64_t turn_bytes;   /* taken by the writes of the open transaction */
};

/* Before anything that needs the connection: have it, give up the row that
 * the last call handed out.  Returns 0 or why not (broken, ERR_IO,
 * ERR_CORRUPT, ERR_NOMEM). */
int db_conn_enter(struct db *d, struct error *err);
/* Ask `progress` (NULL: nobody) about statements from now on; there is a
 * connection. */
void db_conn_watch(struct db *d, db_progress_cb progress, void *arg);
/* Close the connection and all that hangs off it; cursors are cancelled. */
void db_conn_close(struct db *d);

/* The own statement, ready for binding. */
int db_conn_own(struct db *d, enum db_own which, struct sqlite3_stmt **out,
                struct error *err);
/* Run an own statement that gives no rows to its end. */
int db_conn_run(struct db *d, enum db_own which, struct error *err);
/* Reset the statement whose row was handed out, if any. */
void db_conn_unpark(struct db *d);

/* Open the implicit transaction unless it is. */
int db_conn_begin(struct db *d, struct error *err);
/* Something was written in it. */
void db_conn_wrote(struct db *d, bool is_confirmed);
/* Everything since the `schema_changes`-th change of the schema is about to be
 * undone: cursors end if there was one. */
void db_conn_cancel_changed(struct db *d, uint32_t schema_changes);
/* Forget the open transaction in the books (SQLite has ended it). */
void db_conn_ended(struct db *d);

/*
 * Say in `*err` what `rc`, an extended code that SQLite just gave, means, and
 * return the ERR_* code.  After an error that costs the open transaction the
 * database is broken.  Call with the failed statement reset.
 */
int db_conn_fail(struct db *d, int rc, struct error *err);
/* As above but only say; `offset` is that of the error in the text, or -1. */
int db_conn_say(struct db *d, int rc, int offset, struct error *err);
/* After a step that failed with `rc` and was described as `why`: break the
 * database if the open transaction is lost. */
void db_conn_judge(struct db *d, int rc, const struct error *why);
/* Undo everything; from here on every call fails with `why`. */
void db_conn_break(struct db *d, const struct error *why);
/* Fill `*err` by why the database is broken and return the code. */
int db_conn_broken(const struct db *d, struct error *err);

/* The number that "PRAGMA <name>" gives, or -1. */
int64_t db_conn_pragma(struct db *d, const char *name);

#endif
