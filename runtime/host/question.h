/*
 * question.h - what a command asks about the objects of a node, and its answer
 * in rows.
 *
 * A question is a row: its kind is the command, its cells are the arguments.
 * A new one is a line in question.c, and a file question_<name>.c.  It runs on
 * a thread of its own (control.h), or on the only one of an offline node, may
 * block, and reaches what belongs to a worker by errands.
 */
#ifndef HOST_QUESTION_H
#define HOST_QUESTION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/oid.h"
#include "base/slice.h"

struct directory_entry;
struct directory_reader;
struct node;

/* Where rows go: non-zero when no more are wanted.  The row is borrowed. */
struct answer {
    int (*row)(void *arg, struct slice row);
    /* What was given is to be seen now; NULL: it always is. */
    int (*flush)(void *arg);
    void *arg;
};

struct question {
    struct node *node;
    struct slice asked; /* the row; borrowed */
    struct answer to;
    struct directory_reader *directory; /* of this thread */
    struct buf row;                     /* the next one, for question_send */
};

/* Answer `asked`.  0; ERR_INVALID (no such question: another version asks),
 * ERR_NOT_FOUND (no such class or object: the text says what there is),
 * ERR_CANCELED (no more rows were wanted), ERR_IO, ERR_CORRUPT ... */
int question_answer(struct node *n, struct slice asked, struct answer to,
                    struct error *err);

/* ---- for the questions ---- */

/* Send q->row.  0 or ERR_CANCELED. */
int question_send(struct question *q);
/* Send every row of `rows` (row_join).  0 or ERR_CANCELED. */
int question_send_rows(struct question *q, const struct buf *rows);
/* What was sent is seen now.  0 or ERR_CANCELED. */
int question_flush(struct question *q);
/* Send a row "waiting", to be skipped: it finds out whether anybody still
 * wants the answer.  Seen at once.  0 or ERR_CANCELED. */
int question_alive(struct question *q);
/* The class that the question names is one of the script's or has objects.
 * ERR_NOT_FOUND with what may have been meant.  Without one in the question:
 * 0. */
int question_check_class(struct question *q, struct error *err);
/*
 * The object that the question names: by `id`, hex digits, or by `name`, which
 * may be 64 hex digits where no object has that name.  `*name` is as asked for,
 * borrowed, empty when only the id is known.
 *
 * 1 when it has storage, and each(arg, entry) was called; 0 when it has none
 * but may be in memory; ERR_INVALID (no id), or as question_check_class.
 */
int question_find(struct question *q, struct oid *id, struct slice *name,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err);
/* Say that there is no such object, and what may have been meant. */
int question_no_object(struct question *q, struct error *err);

/* The questions. */
int question_objects(struct question *q, struct error *err);
int question_classes(struct question *q, struct error *err);
int question_show(struct question *q, struct error *err);
int question_alarms(struct question *q, struct error *err);
int question_delete(struct question *q, struct error *err);
int question_sql(struct question *q, struct error *err);
int question_call(struct question *q, struct error *err);
int question_tail(struct question *q, struct error *err);
int question_import(struct question *q, struct error *err);
int question_hold(struct question *q, struct error *err);
int question_point(struct question *q, struct error *err);
int question_top(struct question *q, struct error *err);
int question_why(struct question *q, struct error *err);
int question_metrics(struct question *q, struct error *err);
int question_ready(struct question *q, struct error *err);
int question_verify(struct question *q, struct error *err);

#endif
