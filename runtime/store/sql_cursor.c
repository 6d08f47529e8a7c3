#include "store/sql_cursor.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/sql_code.h"
#include "store/sqlmem.h"

enum cursor_state {
    CURSOR_READY,    /* on a row that nobody has seen */
    CURSOR_GIVEN,    /* on a row that was handed out */
    CURSOR_BUFFERED, /* rows in memory */
    CURSOR_DONE,
    CURSOR_FAILED,
};

struct sql_cursor {
    struct list link; /* in db.cursors while `stmt` is set */
    struct db *d;     /* borrowed; not used once `stmt` is gone */
    struct sql_stmt *stmt;
    struct sql_columns *columns; /* a reference */
    enum cursor_state state;
    struct sql_error *failure; /* owned; set with FAILED */
    struct sql_rows rows;      /* BUFFERED */
    int64_t rows_seen, rows_read, rows_written;
    int64_t bytes; /* held by SQLite for the statement's work */
    struct sql_value values[];
};

int sql_step(struct db *d, struct sql_stmt *s, int64_t *bytes)
{
    int64_t mark =
        sqlmem_begin(d->memory_bytes - d->cursor_bytes - d->turn_bytes);

    d->conn->policy.is_on = true;
    d->conn->policy.is_denied = false;
    int rc = sqlite3_step(s->stmt);
    d->conn->policy.is_on = false;
    *bytes += sqlmem_end(mark);
    return rc;
}

int sql_fail(struct db *d, int rc, struct sql_error *err)
{
    int code;

    if (d->conn->policy.is_denied && (rc & 0xff) != SQLITE_NOMEM) {
        rc = SQLITE_AUTH;
        code = error_set(&err->error, ERR_SQL, "%s: SQLITE_AUTH",
                         d->conn->policy.reason);
        d->conn->policy.is_denied = false;
    } else {
        code = db_conn_fail(d, rc, &err->error);
    }
    snprintf(err->code, sizeof(err->code), "%s", sql_code_name(rc));
    return code;
}

static struct sql_cursor *cursor_new(struct db *d, struct sql_stmt *s)
{
    struct sql_columns *columns = sql_stmt_columns(s);
    struct sql_cursor *c =
        mem_zalloc(sizeof(*c) + (size_t)columns->count * sizeof(c->values[0]));

    list_init(&c->link);
    c->d = d;
    c->columns = columns;
    return c;
}

/* A full scan counts its steps from one row to the next. */
static void count_rows(struct sql_cursor *c)
{
    int64_t steps =
        sqlite3_stmt_status(c->stmt->stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
    int64_t scanned = steps == 0 ? 0 : steps + 1;

    if (!c->stmt->reads)
        return;
    c->rows_read = scanned > c->rows_seen ? scanned : c->rows_seen;
}

/* Give the statement up; the cursor keeps what it has counted. */
static void release(struct sql_cursor *c)
{
    if (c->stmt == NULL)
        return;
    count_rows(c);
    c->d->rows_read += (uint64_t)c->rows_read;
    list_unlink(&c->link);
    c->d->cursor_bytes -= c->bytes;
    sql_cache_give(&c->d->cache, c->stmt);
    c->stmt = NULL;
}

static void fail(struct sql_cursor *c, const struct sql_error *why)
{
    release(c);
    c->state = CURSOR_FAILED;
    c->failure = mem_alloc(sizeof(*c->failure));
    *c->failure = *why;
}

/* Where the step that gave `rc` has left the cursor. */
static void arrive(struct sql_cursor *c, int rc)
{
    struct sql_error e = {0};

    if (rc == SQLITE_ROW) {
        c->state = CURSOR_READY;
        c->rows_seen++;
        return;
    }
    if (rc == SQLITE_DONE) {
        release(c);
        c->state = CURSOR_DONE;
        return;
    }
    sqlite3_reset(c->stmt->stmt);
    sql_fail(c->d, rc, &e);
    /* A failure that breaks the database has ended this cursor already. */
    if (c->state != CURSOR_FAILED)
        fail(c, &e);
}

static void advance(struct sql_cursor *c)
{
    int64_t before = c->bytes;
    int rc = sql_step(c->d, c->stmt, &c->bytes);

    c->d->cursor_bytes += c->bytes - before;
    arrive(c, rc);
}

struct sql_cursor *sql_cursor_read(struct db *d, struct sql_stmt *s, int rc,
                                   int64_t bytes)
{
    struct sql_cursor *c = cursor_new(d, s);

    c->stmt = s;
    c->bytes = bytes;
    d->cursor_bytes += bytes;
    list_push(&d->cursors, &c->link);
    arrive(c, rc);
    return c;
}

struct sql_cursor *sql_cursor_wrote(struct db *d, struct sql_stmt *s,
                                    struct sql_rows *rows, int64_t written)
{
    struct sql_cursor *c = cursor_new(d, s);

    c->stmt = s;
    c->rows = *rows;
    *rows = (struct sql_rows){0};
    c->rows_written = written;
    release(c);
    c->state = CURSOR_BUFFERED;
    return c;
}

static int take_buffered(struct sql_cursor *c, const struct sql_value **row)
{
    if (sql_rows_next(&c->rows, c->values, c->columns->count)) {
        *row = c->values;
        return 1;
    }
    sql_rows_fini(&c->rows);
    c->state = CURSOR_DONE;
    return 0;
}

int sql_cursor_next(struct sql_cursor *c, const struct sql_value **row,
                    struct sql_error *err)
{
    *row = NULL;
    if (c->state == CURSOR_GIVEN)
        advance(c);
    switch (c->state) {
    case CURSOR_READY:
        sql_rows_read(c->stmt->stmt, c->values, c->columns->count);
        c->state = CURSOR_GIVEN;
        *row = c->values;
        return 1;
    case CURSOR_BUFFERED:
        return take_buffered(c, row);
    case CURSOR_FAILED:
        *err = *c->failure;
        return err->error.code;
    default:
        return 0;
    }
}

int sql_cursor_columns(const struct sql_cursor *c)
{
    return c->columns->count;
}

struct slice sql_cursor_column_name(const struct sql_cursor *c, int column)
{
    return c->columns->names[column];
}

int64_t sql_cursor_rows_read(struct sql_cursor *c)
{
    if (c->state == CURSOR_GIVEN)
        advance(c);
    if (c->stmt != NULL)
        count_rows(c);
    return c->rows_read;
}

int64_t sql_cursor_rows_written(const struct sql_cursor *c)
{
    return c->rows_written;
}

void sql_cursor_free(struct sql_cursor *c)
{
    if (c == NULL)
        return;
    release(c);
    sql_columns_drop(c->columns);
    sql_rows_fini(&c->rows);
    free(c->failure);
    free(c);
}

void sql_cursor_cancel(struct db *d, const struct error *why)
{
    struct sql_error e = {.error = *why};

    while (!list_empty(&d->cursors))
        fail(container_of(d->cursors.next, struct sql_cursor, link), &e);
}
