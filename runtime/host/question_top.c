/* question_top.c - `top`: which objects use the most, round by round, until who
 * asked has left. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "host/usage.h"
#include "object/object.h"
#include "store/directory.h"

enum { ALIVE_MS = 250, INTERVAL_MS = 1000, COUNT = 20 };

/* ---- rows ---- */

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct buf *name = arg;

    buf_add_slice(name, e->name);
    return 0;
}

/* One without storage has its name in memory. */
struct asking {
    const struct oid *id;
    struct buf *name;
};

static void on_worker(struct worker *w, void *arg)
{
    struct asking *a = arg;
    const struct object *o = realm_find(&w->realm, a->id);

    if (o != NULL && o->name != NULL)
        buf_add(a->name, o->name, o->name_n);
}

static void find_name(struct question *q, const struct usage_object *o,
                      struct buf *name)
{
    struct asking a = {&o->id, name};
    int rc = directory_get(q->directory, slice_of(o->class_name), &o->id,
                           on_entry, name, NULL);

    if (rc != 1)
        errand_run(node_worker_of(q->node, &o->id), on_worker, &a);
}

static void add_who(struct question *q, const struct usage_object *o)
{
    struct buf name = {0};

    if (o->class_name == NULL) {
        row_add_none(&q->row, "class");
        row_add_text(&q->row, "name", SLICE("router"));
        row_add_none(&q->row, "id");
        return;
    }
    find_name(q, o, &name);
    inspect_add_object(&q->row, slice_of(o->class_name), &o->id,
                       buf_slice(&name));
    buf_fini(&name);
}

/* Of one processor, and a second. */
static void add_rates(struct buf *row, const struct usage *u, uint64_t cpu_ns,
                      uint64_t handled)
{
    double seconds = (double)u->took_ns / 1e9;

    row_add_real(row, "cpu", (double)cpu_ns / 1e9 / seconds);
    row_add_real(row, "events_per_s", (double)handled / seconds);
}

static int send_object(struct question *q, const struct usage *u,
                       const struct usage_object *o)
{
    const struct survey survey = {.state = o->state};

    row_begin(&q->row, "object");
    add_who(q, o);
    add_rates(&q->row, u, o->cpu_ns, o->handled);
    row_add_integer(&q->row, "memory", (int64_t)o->memory);
    row_add_integer(&q->row, "socket_count", (int64_t)o->sockets);
    inspect_add_state(&q->row, &survey);
    return question_send(q);
}

/* Bytes of memory that the process has. */
static int64_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long long pages = 0;

    if (f != NULL && fscanf(f, "%*d %lld", &pages) != 1)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int send_round(struct question *q, const struct usage *u)
{
    struct buf *row = &q->row;
    int rc = 0;

    for (size_t i = 0; i < u->first_n && rc == 0; i++)
        rc = send_object(q, u, &u->first[i]);
    if (rc != 0)
        return rc;
    row_begin(row, "round");
    row_add_integer(row, "time", clock_wall_ms(clock_system()));
    row_add_integer(row, "interval_ms", (int64_t)(u->took_ns / 1000000));
    add_rates(row, u, u->cpu_ns, u->handled);
    row_add_integer(row, "workers", node_worker_count(q->node));
    row_add_integer(row, "resident", resident());
    row_add_integer(row, "memory", (int64_t)u->memory);
    row_add_integer(row, "objects", (int64_t)u->objects);
    row_add_integer(row, "awake", (int64_t)u->awake);
    row_add_integer(row, "socket_count", (int64_t)u->sockets);
    rc = question_send(q);
    return rc != 0 ? rc : question_flush(q);
}

/* ---- the rounds ---- */

static int wait_for(struct question *q, uint64_t ms)
{
    int rc = 0;

    while (ms != 0 && rc == 0) {
        uint64_t step = ms < ALIVE_MS ? ms : ALIVE_MS;
        struct timespec pause = {.tv_nsec = (long)step * 1000000};

        nanosleep(&pause, NULL);
        ms -= step;
        rc = question_alive(q);
    }
    return rc;
}

static int read_question(struct question *q, struct usage *u, struct error *err)
{
    struct slice sort = row_text(q->asked, "sort");
    int64_t count = row_integer(q->asked, "count");

    u->count = count > 0 ? (size_t)count : COUNT;
    if (u->count > USAGE_COUNT_MAX)
        u->count = USAGE_COUNT_MAX;
    for (int i = 0; i < USAGE_SORTS; i++) {
        u->sort = (enum usage_sort)i;
        if (sort.n == 0 || slice_eq(sort, slice_of(usage_sorts[i])))
            return 0;
    }
    return error_set(err, ERR_INVALID,
                     "cpu, events, memory or sockets to sort by expected, got "
                     "'%.*s'",
                     (int)sort.n, sort.p);
}

int question_top(struct question *q, struct error *err)
{
    int64_t interval = row_integer(q->asked, "interval_ms");
    bool is_once = row_integer(q->asked, "once") != 0;
    bool is_there = true;
    struct usage u = {0};
    int rc = read_question(q, &u, err);

    while (rc == 0 && is_there) {
        is_there = usage_look(q->node, &u);
        if (is_there && u.took_ns != 0)
            rc = send_round(q, &u);
        if (is_once && u.took_ns != 0)
            break;
        if (rc == 0 && is_there)
            rc = wait_for(q, interval > 0 ? (uint64_t)interval : INTERVAL_MS);
    }
    usage_fini(&u);
    if (!is_there)
        rc = error_set(err, ERR_CLOSED, "the server is shutting down");
    return rc;
}
