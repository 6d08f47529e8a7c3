/* question_sql.c - `sql`: statements on one object's storage, as a turn of its
 * own; answered when what they wrote is on disk. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "object/visit.h"
#include "store/db.h"
#include "store/sql.h"

enum {
    ROWS_DEFAULT = 10000,
    ROWS_BYTES_MAX = 64 << 20, /* of an answer */
    TIMEOUT_MS = 1000,         /* so long it may hold up other objects */
    BUSY_MS = 30000,           /* so long a turn of the object may take */
    BUSY_RETRY_MS = 2
};

struct query {
    const char *class_name;
    struct oid id;
    struct slice text;
    bool may_write;
    int64_t limit;
    uint64_t timeout_ms;
    uint64_t end_ns; /* of clock_mono_ns */
    /* What came of it. */
    bool is_there, is_overtaken, has_more;
    struct buf rows; /* "columns", "row": row_join */
    struct buf row;
    int64_t count, rows_read, rows_written, us;
    struct gate_item item;
    uv_sem_t done;
    int rc;
    struct error error; /* when rc is not 0 */
};

/* ---- on the worker ---- */

static int on_progress(void *arg)
{
    const struct query *q = arg;

    return clock_mono_ns(clock_system()) > q->end_ns;
}

static void add_value(struct buf *row, const char *key,
                      const struct sql_value *v)
{
    switch (v->type) {
    case SQL_NULL:
        row_add_none(row, key);
        break;
    case SQL_INTEGER:
        row_add_integer(row, key, v->integer);
        break;
    case SQL_REAL:
        row_add_real(row, key, v->real);
        break;
    case SQL_TEXT:
        row_add_text(row, key, v->bytes);
        break;
    case SQL_BLOB:
        row_add_blob(row, key, v->bytes);
        break;
    }
}

/* Cells by their place, since names may be anything, and the same. */
static void add_row(struct query *q, const struct sql_value *values, int n)
{
    row_begin(&q->row, "row");
    for (int i = 0; i < n; i++) {
        char key[12];

        snprintf(key, sizeof(key), "%d", i);
        add_value(&q->row, key, &values[i]);
    }
    row_join(&q->rows, buf_slice(&q->row));
    q->count++;
}

static void add_columns(struct query *q, const struct sql_cursor *c)
{
    struct buf names = {0};

    for (int i = 0; i < sql_cursor_columns(c); i++)
        row_join(&names, sql_cursor_column_name(c, i));
    row_begin(&q->row, "columns");
    row_add_texts(&q->row, "names", &names);
    row_join(&q->rows, buf_slice(&q->row));
    buf_fini(&names);
}

static int read_rows(struct query *q, struct sql_cursor *c,
                     struct sql_error *err)
{
    const struct sql_value *values;
    int rc;

    add_columns(q, c);
    while ((rc = sql_cursor_next(c, &values, err)) == 1) {
        q->has_more = q->count == q->limit || q->rows.n > ROWS_BYTES_MAX;
        if (q->has_more)
            return 0;
        add_row(q, values, sql_cursor_columns(c));
    }
    return rc;
}

static int execute(struct query *q, struct db *d, struct sql_error *err)
{
    struct sql_cursor *c = NULL;
    int rc = sql_exec(d, q->text, NULL, 0, &c, err);

    if (rc == 0)
        rc = read_rows(q, c, err);
    if (c != NULL) {
        q->rows_read = q->has_more ? q->count : sql_cursor_rows_read(c);
        q->rows_written = sql_cursor_rows_written(c);
    }
    sql_cursor_free(c);
    return rc;
}

/* Why it failed, in the words of who asked. */
static int explain(struct query *q, int rc, const struct sql_error *err)
{
    if (strcmp(err->code, SQL_READ_ONLY) == 0)
        return error_set(&q->error, rc,
                         "the statement writes: not done "
                         "without --write");
    if (on_progress(q) != 0 && rc != ERR_INVALID)
        return error_set(&q->error, ERR_TIMEOUT,
                         "broken off after %" PRIu64 " ms, so that it holds up "
                         "no other object: --timeout allows more",
                         q->timeout_ms);
    q->error = err->error;
    return rc;
}

static int run_query(struct query *q, struct db *d)
{
    struct sql_visit how = {
        .may_write = q->may_write, .progress = on_progress, .progress_arg = q};
    struct sql_error err = {0};
    uint64_t began = clock_mono_ns(clock_system());

    q->end_ns = began + q->timeout_ms * 1000000;
    int rc = sql_visit_begin(d, &how, &q->error);
    if (rc != 0)
        return rc;
    rc = execute(q, d, &err);
    sql_visit_end(d, &how);
    q->us = (int64_t)((clock_mono_ns(clock_system()) - began) / 1000);
    return rc == 0 ? 0 : explain(q, rc, &err);
}

static void on_durable(struct gate_item *item, const struct error *failure)
{
    struct query *q = container_of(item, struct query, item);

    if (failure != NULL) {
        q->error = *failure;
        q->rc = failure->code;
    }
    uv_sem_post(&q->done);
}

static int visit(struct query *q, struct realm *r, uint64_t *number)
{
    struct visit v;
    int rc = visit_begin(r, q->class_name, &q->id, &v, &q->error);

    if (rc != 0)
        return rc;
    q->is_there = v.object != NULL || db_exists(v.db);
    if (q->is_there)
        rc = run_query(q, v.db);
    if (rc == 0)
        rc = visit_commit(&v, number, &q->error);
    q->is_overtaken = v.is_overtaken;
    visit_end(&v);
    return rc;
}

static void on_worker(struct worker *w, void *arg)
{
    struct query *q = arg;
    uint64_t number;

    q->rc = visit(q, &w->realm, &number);
    if (q->rc == 0)
        gate_push(&w->realm.gate, &q->item, number);
    else
        uv_sem_post(&q->done);
}

/* ---- on the asking thread ---- */

/* Again while a turn of the object is under way. */
static int run(struct question *question, struct query *q)
{
    struct worker *w = node_worker_of(question->node, &q->id);
    const struct timespec pause = {.tv_nsec = BUSY_RETRY_MS * 1000000};

    for (int ms = 0;; ms += BUSY_RETRY_MS) {
        if (!errand_run(w, on_worker, q))
            return error_set(&q->error, ERR_CLOSED,
                             "the server is shutting down");
        uv_sem_wait(&q->done);
        if (q->rc != ERR_BUSY || ms >= BUSY_MS)
            return q->rc;
        nanosleep(&pause, NULL);
    }
}

static int send_all(struct question *question, const struct query *q)
{
    struct slice rows = buf_slice(&q->rows);
    struct slice row;
    struct buf *end = &question->row;

    while (cell_next_text(&rows, &row)) {
        if (question->to.row(question->to.arg, row) != 0)
            return ERR_CANCELED;
    }
    row_begin(end, "done");
    row_add_integer(end, "rows", q->count);
    row_add_integer(end, "rows_read", q->rows_read);
    row_add_integer(end, "rows_written", q->rows_written);
    row_add_integer(end, "us", q->us);
    row_add_bool(end, "has_more", q->has_more);
    row_add_bool(end, "is_overtaken", q->is_overtaken);
    return question_send(question);
}

static int ignore_entry(void *arg, const struct directory_entry *e)
{
    (void)arg, (void)e;
    return 0;
}

static void read_question(struct question *question, struct query *q)
{
    struct cell c;

    q->text = row_text(question->asked, "sql");
    q->may_write = row_integer(question->asked, "write") != 0;
    q->limit =
        row_find(question->asked, "limit", &c) ? c.integer : ROWS_DEFAULT;
    q->timeout_ms = row_find(question->asked, "timeout_ms", &c)
                        ? (uint64_t)c.integer
                    : node_is_private(question->node) ? (uint64_t)INT32_MAX
                                                      : TIMEOUT_MS;
}

int question_sql(struct question *question, struct error *err)
{
    struct slice class_name = row_text(question->asked, "class");
    struct query q = {.item.release = on_durable};
    struct slice name;
    int rc = question_check_class(question, err);

    if (rc == 0)
        rc = question_find(question, &q.id, &name, ignore_entry, NULL, err);
    if (rc < 0)
        return rc;
    char *class_text = mem_dup(class_name.p, class_name.n);
    q.class_name = class_text;
    read_question(question, &q);
    list_init(&q.item.link);
    q.item.takes_all = true;
    MUST(uv_sem_init(&q.done, 0) == 0);
    rc = run(question, &q);
    if (rc != 0)
        *err = q.error;
    else if (!q.is_there)
        rc = question_no_object(question, err);
    else
        rc = send_all(question, &q);
    uv_sem_destroy(&q.done);
    buf_fini(&q.rows);
    buf_fini(&q.row);
    free(class_text);
    return rc;
}
