/* question_tail.c - `tail`: what happens, as it happens, until who asked has
 * left. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "host/tails.h"
#include "store/directory.h"

enum { ALIVE_MS = 250 /* between two signs of life */ };

static int send_batch(struct question *q, const struct buf *rows,
                      int64_t dropped)
{
    int rc = 0;

    if (dropped != 0) {
        row_begin(&q->row, "dropped");
        row_add_integer(&q->row, "count", dropped);
        rc = question_send(q);
    }
    if (rc == 0 && rows->n == 0)
        rc = question_alive(q);
    if (rc == 0)
        rc = question_send_rows(q, rows);
    return rc != 0 ? rc : question_flush(q);
}

static int watch(struct question *q, struct tail *t, struct error *err)
{
    struct buf rows = {0};
    int rc = tail_open(q->node, t)
                 ? 0
                 : error_set(err, ERR_CLOSED, "the server is shutting down");

    row_begin(&q->row, "watching");
    if (rc == 0)
        rc = question_send(q);
    while (rc == 0) {
        int64_t dropped = tail_take(q->node, t, &rows, ALIVE_MS);

        rc = send_batch(q, &rows, dropped);
        rows.n = 0;
    }
    tail_close(q->node, t);
    buf_fini(&rows);
    return rc;
}

static int ignore_entry(void *arg, const struct directory_entry *e)
{
    (void)arg, (void)e;
    return 0;
}

/* An object that is not there may come. */
static int find_object(struct question *q, struct tail *t, struct error *err)
{
    struct error missing = {0};
    struct slice name;
    int rc = question_find(q, &t->id, &name, ignore_entry, NULL, err);

    t->has_id = rc >= 0;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    question_no_object(q, &missing);
    row_begin(&q->row, "missing");
    row_add_text(&q->row, "text", slice_of(missing.text));
    return question_send(q);
}

int question_tail(struct question *q, struct error *err)
{
    struct slice class_name = row_text(q->asked, "class");
    struct tail t = {0};
    struct cell c;
    int rc = question_check_class(q, err);
    char *class_text = NULL;

    if (class_name.n != 0)
        t.class_name = class_text = mem_dup(class_name.p, class_name.n);
    if (rc == 0 &&
        (row_find(q->asked, "name", &c) || row_find(q->asked, "id", &c)))
        rc = find_object(q, &t, err);
    if (rc == 0)
        rc = watch(q, &t, err);
    free(class_text);
    return rc;
}
