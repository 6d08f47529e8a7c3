/*
 * tails.h - who watches a node live: each event that ends, with what it cost,
 * and each line of scripts' log.
 *
 *   worker: event, log line --filter--> [bounded queue] --> tail_take: a thread
 *                                       full: dropped, and counted
 *
 * Workers format rows (row.h) and never wait for who reads; while nobody
 * watches they do not even look here.
 *
 *   "event"    time, class, name, id, event, what, outcome, status, error,
 *              took_us, cpu_us, rows_read, rows_written, bytes_in, bytes_out
 *   "log"      time, level, class, name, id, message, fields, trace
 *   "dropped"  count
 */
#ifndef HOST_TAILS_H
#define HOST_TAILS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/logline.h"
#include "base/oid.h"

struct event;
struct node;
struct object;
struct tap_cost;
struct worker;

enum { TAIL_BYTES = 4 << 20 /* of rows that wait for their reader */ };

/* Those of a node. */
struct tails {
    uv_mutex_t mutex; /* all but count */
    struct list all;  /* struct tail */
    atomic_int count;
};

struct tail {
    struct list link;
    const char *class_name; /* borrowed; NULL: all */
    struct oid id;          /* of one object of it */
    bool has_id;
    uv_cond_t filled;
    struct buf rows; /* row_join */
    int64_t dropped;
};

void tails_init(struct tails *t);
/* Nobody watches any more. */
void tails_fini(struct tails *t);

/* Watch from now on: `t` (class_name, id and has_id set, else zeroed) belongs
 * to the caller.  A thread of its own; returns false when the node ends. */
bool tail_open(struct node *n, struct tail *t);
void tail_close(struct node *n, struct tail *t);
/* Move what waits to `rows`, which is empty (row_join), after waiting for up to
 * `wait_ms` when there is nothing.  Returns how many rows were dropped since
 * the last call, before those. */
int64_t tail_take(struct node *n, struct tail *t, struct buf *rows,
                  uint64_t wait_ms);

/* The worker's side. */
void tails_event(struct worker *w, struct object *o, const struct event *e,
                 const struct tap_cost *cost);
void tails_log(struct worker *w, const struct object *o,
               const struct log_line *line);

#endif
