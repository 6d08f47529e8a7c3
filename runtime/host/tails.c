#include "host/tails.h"

#include "base/clock.h"
#include "base/message.h"
#include "base/must.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/row.h"
#include "object/event.h"
#include "object/keepers.h"
#include "object/object.h"
#include "object/tap.h"

void tails_init(struct tails *t)
{
    MUST(uv_mutex_init(&t->mutex) == 0);
    list_init(&t->all);
    atomic_init(&t->count, 0);
}

void tails_fini(struct tails *t)
{
    MUST(list_empty(&t->all));
    uv_mutex_destroy(&t->mutex);
}

/* ---- opening and closing ---- */

/* Events cost something only while somebody watches. */
static void on_worker(struct worker *w, void *arg)
{
    struct tails *t = arg;

    w->realm.is_tapped = atomic_load(&t->count) != 0;
}

static bool tell_workers(struct node *n)
{
    bool has_run = true;

    for (int i = 0; i < node_worker_count(n); i++)
        has_run &= errand_run(node_worker_at(n, i), on_worker, node_tails(n));
    return has_run;
}

bool tail_open(struct node *n, struct tail *t)
{
    struct tails *all = node_tails(n);

    MUST(uv_cond_init(&t->filled) == 0);
    uv_mutex_lock(&all->mutex);
    list_push(&all->all, &t->link);
    atomic_fetch_add(&all->count, 1);
    uv_mutex_unlock(&all->mutex);
    return tell_workers(n);
}

void tail_close(struct node *n, struct tail *t)
{
    struct tails *all = node_tails(n);

    uv_mutex_lock(&all->mutex);
    list_unlink(&t->link);
    atomic_fetch_sub(&all->count, 1);
    uv_mutex_unlock(&all->mutex);
    tell_workers(n);
    uv_cond_destroy(&t->filled);
    buf_fini(&t->rows);
}

/* ---- reading ---- */

int64_t tail_take(struct node *n, struct tail *t, struct buf *rows,
                  uint64_t wait_ms)
{
    struct tails *all = node_tails(n);

    uv_mutex_lock(&all->mutex);
    if (t->rows.n == 0)
        uv_cond_timedwait(&t->filled, &all->mutex, wait_ms * 1000000);
    struct buf empty = *rows;
    *rows = t->rows;
    t->rows = empty;
    int64_t dropped = t->dropped;
    t->dropped = 0;
    uv_mutex_unlock(&all->mutex);
    return dropped;
}

/* ---- writing ---- */

static bool is_wanted(const struct tail *t, const struct object *o)
{
    if (t->class_name == NULL)
        return true;
    if (o == NULL || o->cls == NULL || strcmp(o->cls->name, t->class_name) != 0)
        return false;
    return !t->has_id || oid_eq(&t->id, &o->id);
}

static void push(struct tail *t, struct slice row)
{
    if (t->rows.n + row.n > TAIL_BYTES) {
        t->dropped++;
        return;
    }
    bool was_empty = t->rows.n == 0;

    row_join(&t->rows, row);
    if (was_empty)
        uv_cond_signal(&t->filled);
}

static void push_all(struct worker *w, const struct object *o, struct slice row)
{
    struct tails *all = node_tails(w->node);

    uv_mutex_lock(&all->mutex);
    for (struct list *i = all->all.next; i != &all->all; i = i->next) {
        struct tail *t = container_of(i, struct tail, link);

        if (is_wanted(t, o))
            push(t, row);
    }
    uv_mutex_unlock(&all->mutex);
}

/* Whether anybody wants it: before it is formatted. */
static bool has_reader(struct worker *w, const struct object *o)
{
    struct tails *all = node_tails(w->node);
    bool is_any = false;

    if (atomic_load_explicit(&all->count, memory_order_relaxed) == 0)
        return false;
    uv_mutex_lock(&all->mutex);
    for (struct list *i = all->all.next; i != &all->all && !is_any; i = i->next)
        is_any = is_wanted(container_of(i, struct tail, link), o);
    uv_mutex_unlock(&all->mutex);
    return is_any;
}

static void add_object(struct buf *row, const struct object *o)
{
    if (o != NULL && o->cls != NULL) {
        inspect_add_object(row, slice_of(o->cls->name), &o->id,
                           (struct slice){o->name, o->name_n});
        return;
    }
    row_add_none(row, "class");
    row_add_none(row, "name");
    row_add_none(row, "id");
}

static void add_event(struct buf *row, const struct object *o,
                      const struct event *e)
{
    static const char *const kinds[] = {
        [EVENT_FETCH] = "fetch", [EVENT_CALL] = "call",
        [EVENT_INIT] = "init",   [EVENT_SOCKET] = "socket",
        [EVENT_ALARM] = "alarm", [EVENT_TASK] = "task"};
    struct buf what = {0};

    keepers_describe(o, e, &what);
    row_add_text(row, "event", slice_of(kinds[e->kind]));
    row_add_text(row, "what", buf_slice(&what));
    buf_fini(&what);
}

static void add_outcome(struct buf *row, const struct outcome *o)
{
    bool is_bad = o->kind == OUTCOME_FAILURE;

    row_add_text(row, "outcome", is_bad ? SLICE("error") : SLICE("ok"));
    row_add_nonzero(row, "status",
                    o->kind == OUTCOME_RESPONSE ? o->response->status : 0);
    row_add_name(row, "error",
                 is_bad ? buf_slice(&o->failure->message) : (struct slice){0});
}

static void add_bytes(struct buf *row, const char *key, int64_t n)
{
    if (n < 0)
        row_add_none(row, key);
    else
        row_add_integer(row, key, n);
}

void tails_event(struct worker *w, struct object *o, const struct event *e,
                 const struct tap_cost *cost)
{
    struct buf row = {0};

    if (!has_reader(w, o))
        return;
    object_name(o); /* known from here on, if it has one */
    row_begin(&row, "event");
    row_add_integer(&row, "time", clock_wall_ms(clock_system()));
    add_object(&row, o);
    add_event(&row, o, e);
    add_outcome(&row, &e->outcome);
    row_add_integer(&row, "took_us", (int64_t)(cost->took_ns / 1000));
    row_add_integer(&row, "cpu_us", (int64_t)(cost->cpu_ns / 1000));
    row_add_integer(&row, "rows_read", (int64_t)cost->rows.read);
    row_add_integer(&row, "rows_written", (int64_t)cost->rows.written);
    add_bytes(&row, "bytes_in", cost->bytes_in);
    add_bytes(&row, "bytes_out", cost->bytes_out);
    push_all(w, o, buf_slice(&row));
    buf_fini(&row);
}

void tails_log(struct worker *w, const struct object *o,
               const struct log_line *line)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    struct buf row = {0};

    if (!has_reader(w, o))
        return;
    row_begin(&row, "log");
    row_add_integer(&row, "time", clock_wall_ms(clock_system()));
    row_add_text(&row, "level", slice_of(levels[line->level]));
    row_add_name(&row, "class", line->class_name);
    row_add_name(&row, "name", line->name);
    row_add_name(&row, "id", line->id);
    row_add_text(&row, "message", line->message);
    row_add_name(&row, "fields", line->fields);
    row_add_name(&row, "trace", line->trace);
    push_all(w, o, buf_slice(&row));
    buf_fini(&row);
}
