/*
 * sql.h - SQL of one object: policy, statement cache, cursors (API.md,
 * section 6; REFERENCE 5).
 *
 * Errors: ERR_SQL with the text "<SQLite's message>[ at offset N]: SQLITE_X"
 * and the extended code's name in sql_error.code.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/db.h"

enum sql_type { SQL_NULL, SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB };

struct sql_value {
    enum sql_type type;
    int64_t integer;
    double real;
    struct slice bytes; /* TEXT, BLOB; borrowed */
};

/* One binding: by position (name.p NULL), or by name without its ':'. */
struct sql_binding {
    struct slice name;
    struct sql_value value; /* copied by sql_exec */
};

/* What went wrong; `code` is "SQLITE_CONSTRAINT_UNIQUE" and the like, or ""
 * for errors that SQLite did not raise. */
struct sql_error {
    struct error error;
    char code[48];
};

struct sql_cursor;

/* How whoever operates the server uses SQL, between two turns of the object. */
struct sql_visit {
    bool may_write;
    db_progress_cb progress; /* in place of db_config.progress */
    void *progress_arg;
    db_progress_cb was; /* sql.c's own */
    void *was_arg;
};

#define SQL_READ_ONLY "READ_ONLY"

/*
 * Until sql_visit_end, statements on `d` are the operator's: the script's
 * policy, but the runtime's tables may be read, no PRAGMA may be set, and
 * without may_write what writes is refused (ERR_INVALID, and sql_error.code is
 * SQL_READ_ONLY).  Nothing is kept for
 * the script's own use.  `how` is borrowed.  All cursors are freed before the
 * end.  Returns 0, or as sql_exec.
 */
int sql_visit_begin(struct db *d, struct sql_visit *how, struct error *err);
void sql_visit_end(struct db *d, struct sql_visit *how);

/*
 * Run the statements in `query` in turn, the last one with `bindings` and up
 * to its first row, or to its end when it writes; see API.md for every rule
 * and text.  On success `*out` is owned by the caller (sql_cursor_free, also
 * after db_close).
 *
 * Returns 0; ERR_SQL (SQLite's refusal or the policy's), ERR_INVALID (wrong
 * bindings, no statement), ERR_TOO_BIG (a binding), ERR_LIMIT, ERR_FULL,
 * ERR_IO, ERR_NOMEM, ERR_RESET.  May ask db_config.progress.
 */
int sql_exec(struct db *d, struct slice query,
             const struct sql_binding *bindings, size_t count,
             struct sql_cursor **out, struct sql_error *err);
/* 1: `row` points at sql_cursor_columns() values, borrowed until the next call
 * on the cursor; 0: no more rows; ERR_SQL, ERR_CANCELED (schema changed,
 * deleteAll), ERR_LIMIT, ERR_FULL, ERR_IO, ERR_NOMEM. */
int sql_cursor_next(struct sql_cursor *c, const struct sql_value **row,
                    struct sql_error *err);
int sql_cursor_columns(const struct sql_cursor *c);
struct slice sql_cursor_column_name(const struct sql_cursor *c, int column);
/*
 * Rows read so far: those that full scans of tables and indexes stepped
 * through, or, if they are more, those that the statement gave; 0 when it reads
 * no table.  What an index search passed over and count(*) without a filter
 * are not counted.  Looks one row ahead of those handed out: ends the borrowing
 * of the last one.
 */
int64_t sql_cursor_rows_read(struct sql_cursor *c);
/* Rows that the statement inserted, updated or deleted, with those of triggers,
 * foreign key actions and FTS5's own tables; entries of indexes are not. */
int64_t sql_cursor_rows_written(const struct sql_cursor *c);
void sql_cursor_free(struct sql_cursor *c); /* NULL is allowed */

/* Bytes of the database, free pages apart. */
int64_t sql_database_size(struct db *d);

#endif
