/*
 * One call: every statement but the last runs to its end and is forgotten; the
 * last one gets the bindings and becomes a cursor.
 */
#include "store/sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/sql_bind.h"
#include "store/sql_code.h"
#include "store/sql_cursor.h"
#include "store/sql_text.h"
#include "store/sqlmem.h"

#define NO_STATEMENT "SQL code did not contain a statement."
#define ONLY_LAST                                                              \
    "When executing multiple SQL statements in a single call, only the last "  \
    "statement can have parameters."

/* The text of a call while it is compiled, statement by statement. */
struct script {
    struct slice rest; /* not compiled yet; NUL-terminated */
    const char *begin; /* of the text */
    size_t skipped;    /* bytes of the query before it, for offsets */
};

static int plain_error(struct sql_error *err, int code, const char *text)
{
    err->code[0] = '\0';
    return error_set(&err->error, code, "%s", text);
}

static int compile_failed(struct db *d, int rc, int offset,
                          struct sql_error *err)
{
    int code;

    snprintf(err->code, sizeof(err->code), "%s", sql_code_name(rc));
    if (d->conn->policy.is_denied) {
        snprintf(err->code, sizeof(err->code), "SQLITE_AUTH");
        return error_set(&err->error, ERR_SQL, "%s: SQLITE_AUTH",
                         d->conn->policy.reason);
    }
    code = db_conn_say(d, rc, offset, &err->error);
    /* Compiling only reads: too large a statement costs nothing more. */
    if (code != ERR_SQL && code != ERR_NOMEM)
        db_conn_judge(d, rc, &err->error);
    return code;
}

/* Compile the first statement of `s->rest`; `*tail` is where it ends. */
static int prepare(struct db *d, const struct script *s, sqlite3_stmt **out,
                   const char **tail, struct sql_error *err)
{
    int64_t mark =
        sqlmem_begin(d->memory_bytes - d->cursor_bytes - d->turn_bytes);

    *out = NULL;
    sql_policy_begin(&d->conn->policy);
    d->conn->policy.is_on = true;
    int rc = sqlite3_prepare_v2(d->conn->sqlite, s->rest.p, -1, out, tail);
    d->conn->policy.is_on = false;
    sqlmem_end(mark);
    if (rc != SQLITE_OK) {
        int offset = sqlite3_error_offset(d->conn->sqlite);
        if (offset >= 0)
            offset += (int)(s->rest.p - s->begin) + (int)s->skipped;
        return compile_failed(d, rc, offset, err);
    }
    if (*out == NULL)
        return plain_error(err, ERR_INVALID, NO_STATEMENT);
    struct slice text = {s->rest.p, (size_t)(*tail - s->rest.p)};
    if (sql_policy_check_text(&d->conn->policy, text))
        return 0;
    sqlite3_finalize(*out);
    *out = NULL;
    return compile_failed(d, SQLITE_AUTH, -1, err);
}

/* As prepare, and opens the transaction first where the statement, which acts
 * while it is compiled, needs one. */
static int prepare_in_place(struct db *d, const struct script *s,
                            sqlite3_stmt **out, const char **tail,
                            struct sql_error *err)
{
    int rc = prepare(d, s, out, tail, err);

    if (rc != 0 || !d->conn->policy.needs_begin || d->is_open)
        return rc;
    sqlite3_finalize(*out);
    *out = NULL;
    rc = db_conn_begin(d, &err->error);
    return rc != 0 ? rc : prepare(d, s, out, tail, err);
}

/* Compile the next statement and step over it. */
static int compile(struct db *d, struct script *s, bool is_alone,
                   struct sql_stmt **out, struct sql_error *err)
{
    sqlite3_stmt *stmt;
    const char *tail;
    int rc = prepare_in_place(d, s, &stmt, &tail, err);

    if (rc != 0)
        return rc;
    size_t used = (size_t)(tail - s->rest.p);
    struct slice rest = {tail, s->rest.n - used};
    *out =
        sql_stmt_new(stmt, is_alone && rest.n == 0 &&
                               !d->conn->policy.is_pragma && d->visit == NULL);
    (*out)->reads = d->conn->policy.reads;
    (*out)->creates = d->conn->policy.creates;
    (*out)->drops = d->conn->policy.drops;
    s->rest = sql_text_skip(rest);
    return 0;
}

static void cancel_for_schema(struct db *d)
{
    struct error e = {0};

    error_set(&e, ERR_CANCELED, SQL_SCHEMA_CHANGED);
    sql_cursor_cancel(d, &e);
}

/* Step a writing statement to its end; its rows go to `rows`. */
static int write_all(struct db *d, struct sql_stmt *s, struct sql_rows *rows,
                     struct sql_error *err)
{
    int count = sqlite3_column_count(s->stmt), rc;
    struct sql_value *values = NULL;

    if (count > 0)
        values = mem_zalloc((size_t)count * sizeof(*values));
    while ((rc = sql_step(d, s, &d->turn_bytes)) == SQLITE_ROW) {
        sql_rows_read(s->stmt, values, count);
        sql_rows_add(rows, values, count);
        if ((int64_t)rows->bytes.n > d->memory_bytes) {
            rc = SQLITE_NOMEM;
            break;
        }
    }
    free(values);
    sqlite3_reset(s->stmt);
    return rc == SQLITE_DONE ? 0 : sql_fail(d, rc, err);
}

/* Run a statement that may change the database; what it returns goes to
 * `rows`, and `*written` is the number of rows it changed. */
static int run_write(struct db *d, struct sql_stmt *s, struct sql_rows *rows,
                     int64_t *written, struct sql_error *err)
{
    int64_t schema = -1;

    *written = 0;
    int rc = db_conn_begin(d, &err->error);

    if (rc != 0)
        return rc;
    if (s->drops)
        cancel_for_schema(d);
    /* With IF NOT EXISTS it may change nothing. */
    if (s->creates && !list_empty(&d->cursors))
        schema = db_conn_pragma(d, "schema_version");
    int64_t before = sqlite3_total_changes64(d->conn->sqlite);
    rc = write_all(d, s, rows, err);
    if (d->broken != NULL)
        return rc;
    *written = sqlite3_total_changes64(d->conn->sqlite) - before;
    d->rows_written += (uint64_t)*written;
    if (rc == 0 || *written != 0)
        db_conn_wrote(d, true);
    d->schema_changes += s->creates || s->drops;
    if (schema >= 0 && db_conn_pragma(d, "schema_version") != schema)
        cancel_for_schema(d);
    return rc;
}

/* Run a statement that is not the last of its call. */
static int run_aside(struct db *d, struct sql_stmt *s, struct sql_error *err)
{
    struct sql_rows rows = {0};
    int64_t bytes = 0, written;
    int rc;

    if (s->is_write) {
        rc = run_write(d, s, &rows, &written, err);
        sql_rows_fini(&rows);
        return rc;
    }
    while ((rc = sql_step(d, s, &bytes)) == SQLITE_ROW)
        ;
    sqlite3_reset(s->stmt);
    return rc == SQLITE_DONE ? 0 : sql_fail(d, rc, err);
}

static int only_reads(struct sql_error *err)
{
    snprintf(err->code, sizeof(err->code), SQL_READ_ONLY);
    return error_set(&err->error, ERR_INVALID, "the statement writes");
}

static bool may_run(const struct db *d, const struct sql_stmt *s)
{
    return d->visit == NULL || d->visit->may_write || !s->is_write;
}

/* Run all but the last statement of `s`; the last one is `*out`. */
static int run_script(struct db *d, struct script *s, struct sql_stmt **out,
                      struct sql_error *err)
{
    struct sql_stmt *stmt;

    for (bool is_alone = true;; is_alone = false) {
        int rc = compile(d, s, is_alone, &stmt, err);
        if (rc != 0)
            return rc;
        if (!may_run(d, stmt)) {
            sql_cache_give(&d->cache, stmt);
            return only_reads(err);
        }
        if (s->rest.n == 0) {
            *out = stmt;
            return 0;
        }
        if (sqlite3_bind_parameter_count(stmt->stmt) > 0)
            rc = plain_error(err, ERR_INVALID, ONLY_LAST);
        else
            rc = run_aside(d, stmt, err);
        sql_cache_give(&d->cache, stmt);
        if (rc != 0)
            return rc;
    }
}

/* Compile `text`, whose offsets count from `skipped` bytes before it. */
static int run_text(struct db *d, struct slice text, size_t skipped,
                    struct sql_stmt **out, struct sql_error *err)
{
    const char *nul = memchr(text.p, '\0', text.n);

    if (nul != NULL) {
        err->code[0] = '\0';
        return error_set(&err->error, ERR_INVALID,
                         "SQL code contains a NUL byte at offset %zu",
                         skipped + (size_t)(nul - text.p));
    }
    char *copy = mem_try(text.n + 1);
    if (copy == NULL)
        return plain_error(err, ERR_NOMEM, "out of memory: SQLITE_NOMEM");
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    struct script s = {
        .rest = {copy, text.n}, .begin = copy, .skipped = skipped};
    int rc = run_script(d, &s, out, err);
    free(copy);
    return rc;
}

static int run_last(struct db *d, struct sql_stmt *s, struct sql_cursor **out,
                    struct sql_error *err)
{
    struct sql_rows rows = {0};
    int64_t bytes = 0, written;
    int rc;

    sqlite3_stmt_status(s->stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    if (s->is_write) {
        rc = run_write(d, s, &rows, &written, err);
        if (rc == 0)
            *out = sql_cursor_wrote(d, s, &rows, written);
        sql_rows_fini(&rows);
        return rc;
    }
    rc = sql_step(d, s, &bytes);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        sqlite3_reset(s->stmt);
        return sql_fail(d, rc, err);
    }
    *out = sql_cursor_read(d, s, rc, bytes);
    return 0;
}

int sql_exec(struct db *d, struct slice query,
             const struct sql_binding *bindings, size_t count,
             struct sql_cursor **out, struct sql_error *err)
{
    struct slice text = sql_text_skip(sql_text_trim(query));
    struct sql_stmt *s;

    *out = NULL;
    err->code[0] = '\0';
    int rc = db_conn_enter(d, &err->error);
    if (rc != 0)
        return rc;
    if (text.n == 0)
        return plain_error(err, ERR_INVALID, NO_STATEMENT);
    connection_spoil(d->conn);
    s = d->visit != NULL ? NULL : sql_cache_take(&d->cache, text);
    if (s == NULL)
        rc = run_text(d, text, (size_t)(text.p - query.p), &s, err);
    if (rc != 0)
        return rc;
    MUST(s != NULL);
    rc = sql_bind(s, bindings, count, err);
    if (rc == 0)
        rc = run_last(d, s, out, err);
    if (rc != 0)
        sql_cache_give(&d->cache, s);
    return rc;
}

int sql_visit_begin(struct db *d, struct sql_visit *how, struct error *err)
{
    int rc = db_conn_enter(d, err);

    if (rc != 0)
        return rc;
    connection_spoil(d->conn); /* so that it stays until the end */
    how->was = d->progress;
    how->was_arg = d->progress_arg;
    d->visit = how;
    d->conn->policy.is_visit = true;
    db_conn_watch(d, how->progress, how->progress_arg);
    return 0;
}

void sql_visit_end(struct db *d, struct sql_visit *how)
{
    d->visit = NULL;
    if (d->conn == NULL)
        return;
    d->conn->policy.is_visit = false;
    db_conn_watch(d, how->was, how->was_arg);
}

int64_t sql_database_size(struct db *d)
{
    struct error e;

    if (db_conn_enter(d, &e) != 0)
        return 0;
    return (db_conn_pragma(d, "page_count") -
            db_conn_pragma(d, "freelist_count")) *
           db_conn_pragma(d, "page_size");
}
