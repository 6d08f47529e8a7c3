/*
 * sql_rows.h - rows copied out of SQLite, in order: what a writing statement
 * returns outlives the statement.  Zero-initialized is valid and empty.
 */
#ifndef STORE_SQL_ROWS_H
#define STORE_SQL_ROWS_H

#include <stdbool.h>

#include "base/buf.h"
#include "store/sql.h"

struct sqlite3_stmt;

struct sql_rows {
    struct buf bytes;
    size_t at; /* the next row */
};

/* Read the `count` columns of the row that `stmt` stands on; TEXT and BLOB are
 * borrowed until the statement moves. */
void sql_rows_read(struct sqlite3_stmt *stmt, struct sql_value *values,
                   int count);
void sql_rows_add(struct sql_rows *r, const struct sql_value *values,
                  int count);
/* The next row into `values` (borrowed until fini), or false at the end. */
bool sql_rows_next(struct sql_rows *r, struct sql_value *values, int count);
void sql_rows_fini(struct sql_rows *r);

#endif
