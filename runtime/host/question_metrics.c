/* question_metrics.c - `metrics`: what monitoring wants to know, as numbers;
 * `ready`: whether more work is welcome.  lua/console/metrics.lua has the words
 * for them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "host/errand.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "net/websocket.h"
#include "object/object.h"
#include "vm/vm.h"

/* So many objects of a worker are looked at one by one: what is counted over
 * them is scaled up when there are more, as each takes time from the others. */
enum { LOOKED_AT_MAX = 10000 };

/* What an errand brings home: rows. */
struct reading {
    struct buf rows; /* row_join */
    struct buf row;
};

static const char *const event_names[EVENT_KINDS] = {
    [EVENT_FETCH] = "fetch",   [EVENT_CALL] = "call",   [EVENT_INIT] = "init",
    [EVENT_SOCKET] = "socket", [EVENT_ALARM] = "alarm", [EVENT_TASK] = "task",
};

static const char *const outcome_names[METER_OUTCOMES] = {
    [METER_OK] = "ok",
    [METER_REFUSED] = "refused",
    [METER_FAILED] = "failed",
    [METER_OVERLOADED] = "overloaded",
    [METER_GONE] = "client_gone"};

static void add(struct buf *row, const char *key, uint64_t value)
{
    row_add_integer(row, key, (int64_t)value);
}

/* ---- on a worker ---- */

struct sum {
    uint64_t objects, looked_at, memory, queued, under_way;
};

static void sum_objects(const struct realm *r, struct sum *s)
{
    const struct object *o = r->objects;

    *s = (struct sum){.objects = HASH_COUNT(r->objects)};
    for (; o != NULL && s->looked_at < LOOKED_AT_MAX; o = o->hh.next) {
        s->looked_at++;
        s->queued += o->mailbox_n;
        s->under_way += o->events_n;
        s->memory += o->vm == NULL ? 0 : vm_memory(o->vm);
    }
    if (s->looked_at == 0 || s->looked_at == s->objects)
        return;
    double more = (double)s->objects / (double)s->looked_at;

    s->queued = (uint64_t)((double)s->queued * more);
    s->under_way = (uint64_t)((double)s->under_way * more);
    s->memory = (uint64_t)((double)s->memory * more);
}

static void add_router(const struct realm *r, struct sum *s)
{
    const struct object *o = r->router;

    if (o == NULL)
        return;
    s->queued += o->mailbox_n;
    s->under_way += o->events_n;
    s->memory += o->vm == NULL ? 0 : vm_memory(o->vm);
}

static double thread_seconds(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void end_row(struct reading *r)
{
    row_join(&r->rows, buf_slice(&r->row));
}

static void read_worker(struct worker *w, struct reading *r)
{
    const struct realm_counters *c = &w->realm.counters;
    struct buf *row = &r->row;
    struct sum s;

    sum_objects(&w->realm, &s);
    add_router(&w->realm, &s);
    row_begin(row, "worker");
    add(row, "index", (uint64_t)w->index);
    row_add_real(row, "cpu_seconds", thread_seconds());
    add(row, "begun", w->meter.begun);
    add(row, "objects", s.objects);
    add(row, "queued", s.queued);
    add(row, "under_way", s.under_way);
    add(row, "lua_bytes", s.memory);
    add(row, "connections",
        w->server == NULL ? 0 : server_connections(w->server));
    add(row, "sockets", ws_hub_count(w->hub));
    add(row, "turns", c->turns);
    add(row, "woken", c->woken);
    add(row, "resets", c->resets);
    add(row, "overloaded", c->overloaded);
    add(row, "alarms_late", c->alarms_late);
    add(row, "alarms_dead", c->alarms_dead);
    add(row, "took_us", w->meter.took_us);
    end_row(r);
}

static void read_kinds(const struct worker *w, struct reading *r)
{
    const struct realm_counters *c = &w->realm.counters;

    for (int i = 0; i < EVENT_KINDS; i++) {
        row_begin(&r->row, "event");
        row_add_text(&r->row, "what", slice_of(event_names[i]));
        add(&r->row, "count", c->events[i]);
        add(&r->row, "failed", c->failed[i]);
        end_row(r);
    }
    for (int i = 0; i < METER_OUTCOMES; i++) {
        row_begin(&r->row, "request");
        row_add_text(&r->row, "what", slice_of(outcome_names[i]));
        add(&r->row, "count", w->meter.ended[i]);
        end_row(r);
    }
}

/* `most`: 0: without a bound. */
static void add_bucket(struct reading *r, const char *kind, uint64_t most,
                       uint64_t count)
{
    row_begin(&r->row, kind);
    add(&r->row, "most", most);
    add(&r->row, "count", count);
    end_row(r);
}

static void on_worker(struct worker *w, void *arg)
{
    struct reading *r = arg;
    const struct object_class *c;

    read_worker(w, r);
    read_kinds(w, r);
    for (int i = 0; i <= METER_BUCKETS; i++)
        add_bucket(r, "latency",
                   i == METER_BUCKETS ? 0 : UINT64_C(1) << (i + METER_FIRST),
                   w->meter.took[i]);
    for (c = w->realm.classes; c != NULL; c = c->hh.next) {
        row_begin(&r->row, "class");
        row_add_text(&r->row, "class", slice_of(c->name));
        add(&r->row, "awake", *c->awake);
        end_row(r);
    }
}

/* ---- of the process ---- */

static uint64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long size = 0;
    unsigned long resident = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void read_process(struct question *q, struct reading *r)
{
    struct rusage usage = {0};

    getrusage(RUSAGE_SELF, &usage);
    row_begin(&r->row, "process");
    row_add_real(&r->row, "cpu_seconds",
                 seconds(usage.ru_utime) + seconds(usage.ru_stime));
    add(&r->row, "resident_bytes", resident_bytes());
    add(&r->row, "workers", (uint64_t)node_worker_count(q->node));
    row_add_integer(&r->row, "now_ms", clock_wall_ms(clock_system()));
    end_row(r);
}

static void read_store(struct question *q, struct reading *r)
{
    struct store_stats s;

    store_stats(node_store(q->node), &s);
    row_begin(&r->row, "store");
    add(&r->row, "commits", s.commits);
    add(&r->row, "syncs", s.syncs);
    add(&r->row, "log_bytes", s.bytes_logged);
    add(&r->row, "checkpoints", s.checkpoints);
    add(&r->row, "segments", s.segments);
    row_add_bool(&r->row, "is_failing", s.is_failing);
    end_row(r);
    for (int i = 0; i < STORE_BATCHES; i++)
        add_bucket(r, "batch", i == STORE_BATCHES - 1 ? 0 : UINT64_C(1) << i,
                   s.batches[i]);
}

/* ---- the questions ---- */

int question_metrics(struct question *q, struct error *err)
{
    struct reading r = {0};

    (void)err;
    for (int i = 0; i < node_worker_count(q->node); i++)
        errand_run(node_worker_at(q->node, i), on_worker, &r);
    read_process(q, &r);
    read_store(q, &r);
    int rc = question_send_rows(q, &r.rows);
    buf_fini(&r.rows);
    buf_fini(&r.row);
    return rc;
}

int question_ready(struct question *q, struct error *err)
{
    const char *why = "";
    struct store_stats s;

    (void)err;
    store_stats(node_store(q->node), &s);
    if (node_is_ending(q->node))
        why = "the server is ending";
    else if (s.is_failing)
        why = "the commit log cannot be written";
    row_begin(&q->row, "ready");
    row_add_bool(&q->row, "ready", why[0] == '\0');
    row_add_name(&q->row, "why", slice_of(why));
    return question_send(q);
}
