/*
 * sql_cursor.h - the inside of a cursor, for sql.c which makes it and db.c
 * which ends it.
 *
 *   READY --next--> GIVEN --step--> READY | DONE | FAILED
 *   BUFFERED --last row--> DONE
 *
 * A cursor of a statement that only reads stands in the live database; what a
 * writing statement returns was copied when it ran.
 */
#ifndef STORE_SQL_CURSOR_H
#define STORE_SQL_CURSOR_H

#include "store/db_conn.h"
#include "store/sql.h"
#include "store/sql_rows.h"

#define SQL_SCHEMA_CHANGED "query canceled because the schema changed"

/* Step `s` with the policy and the limits on.  Returns SQLite's code;
 * `*bytes` grows by the memory that it took. */
int sql_step(struct db *d, struct sql_stmt *s, int64_t *bytes);
/* What the failure of a step, which has been reset, means. */
int sql_fail(struct db *d, int rc, struct sql_error *err);

/* A cursor that owns `s`, which has been stepped to its first row (`rc` is
 * SQLITE_ROW, having taken `bytes`) or to its end (SQLITE_DONE). */
struct sql_cursor *sql_cursor_read(struct db *d, struct sql_stmt *s, int rc,
                                   int64_t bytes);
/* A cursor over what a writing statement returned; takes `rows` over and gives
 * `s` back. */
struct sql_cursor *sql_cursor_wrote(struct db *d, struct sql_stmt *s,
                                    struct sql_rows *rows, int64_t written);
/* Every cursor that still reads ends with `why`. */
void sql_cursor_cancel(struct db *d, const struct error *why);

#endif
