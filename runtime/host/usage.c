#include "host/usage.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "host/errand.h"
#include "host/node_parts.h"
#include "object/object.h"

const char *const usage_sorts[USAGE_SORTS] = {"cpu", "events", "memory",
                                              "sockets"};

/* What an object had used when it was looked at. */
struct usage_mark {
    uint64_t id; /* oid_hash */
    uint64_t cpu_ns, handled;
};

struct usage_marks {
    struct usage_mark *at;
    size_t n, cap;
};

/* A part of the objects of one worker. */
struct part {
    struct usage_object *at; /* owned */
    size_t n, cap;
    size_t next; /* survey_part */
    bool has_more;
    uint64_t handled; /* by the worker, in the first part */
};

/* ---- on the worker ---- */

static void add_object(struct part *p, const struct object *o)
{
    struct survey now;

    survey_object(o, &now);
    if (p->n == p->cap) {
        p->cap = p->cap == 0 ? 256 : p->cap * 2;
        p->at = mem_realloc(p->at, p->cap * sizeof(*p->at));
    }
    p->at[p->n++] = (struct usage_object){
        .id = o->id,
        .class_name = o->cls == NULL ? NULL : o->cls->name,
        .state = now.state,
        .cpu_ns = survey_cpu_ns(o),
        .handled = o->handled,
        .memory = now.memory,
        .sockets = now.sockets};
}

static void on_object(void *arg, const struct object *o)
{
    add_object(arg, o);
}

static void on_worker(struct worker *w, void *arg)
{
    struct part *p = arg;

    p->n = 0;
    p->handled = 0;
    if (p->next == 0) {
        p->handled = w->realm.handled;
        if (w->realm.router != NULL) {
            add_object(p, w->realm.router);
            memcpy(p->at[0].id.b, &w->index, sizeof(w->index));
        }
    }
    p->has_more = survey_part(&w->realm, &p->next, on_object, p);
}

/* ---- on the asking thread ---- */

static int by_id(const void *a, const void *b)
{
    uint64_t x = ((const struct usage_mark *)a)->id;
    uint64_t y = ((const struct usage_mark *)b)->id;

    return x < y ? -1 : x > y;
}

static void add_mark(struct usage_marks *m, const struct usage_object *o)
{
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 1024 : m->cap * 2;
        m->at = mem_realloc(m->at, m->cap * sizeof(*m->at));
    }
    m->at[m->n++] =
        (struct usage_mark){oid_hash(&o->id), o->cpu_ns, o->handled};
}

/* One that left memory meanwhile has begun to count anew. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now >= before ? now - before : now;
}

/* From ever to since the look before. */
static void subtract(const struct usage *u, struct usage_object *o)
{
    struct usage_mark key = {.id = oid_hash(&o->id)};
    const struct usage_mark *m =
        u->mark_n == 0 ? NULL
                       : bsearch(&key, u->marks, u->mark_n, sizeof(key), by_id);

    if (m == NULL)
        return;
    o->cpu_ns = grown(o->cpu_ns, m->cpu_ns);
    o->handled = grown(o->handled, m->handled);
}

static uint64_t value_of(const struct usage_object *o, enum usage_sort sort)
{
    switch (sort) {
    case USAGE_EVENTS:
        return o->handled;
    case USAGE_MEMORY:
        return o->memory;
    case USAGE_SOCKETS:
        return o->sockets;
    default:
        return o->cpu_ns;
    }
}

static bool is_first(const struct usage *u, const struct oid *id)
{
    for (size_t i = 0; i < u->first_n; i++) {
        if (oid_eq(&u->first[i].id, id))
            return true;
    }
    return false;
}

/* Put it among the first ones if it belongs there. */
static void rank(struct usage *u, const struct usage_object *o)
{
    uint64_t value = value_of(o, u->sort);
    size_t k = u->first_n;

    if (k == u->count && value <= value_of(&u->first[k - 1], u->sort))
        return;
    if (is_first(u, &o->id)) /* it was given twice */
        return;
    if (k == u->count)
        k--;
    else
        u->first_n++;
    for (; k > 0 && value_of(&u->first[k - 1], u->sort) < value; k--)
        u->first[k] = u->first[k - 1];
    u->first[k] = *o;
}

static void absorb(struct usage *u, struct part *p, struct usage_marks *marks)
{
    u->handled += p->handled;
    for (size_t i = 0; i < p->n; i++) {
        struct usage_object *o = &p->at[i];

        u->memory += o->memory;
        u->sockets += o->sockets;
        u->objects += o->class_name != NULL;
        u->awake += o->class_name != NULL &&
                    (o->state == SURVEY_AWAKE || o->state == SURVEY_WAKING);
        add_mark(marks, o);
        subtract(u, o);
        rank(u, o);
    }
}

static bool look_at_all(struct node *n, struct usage *u,
                        struct usage_marks *marks)
{
    struct part p = {0};
    bool is_there = true;

    for (int i = 0; i < node_worker_count(n) && is_there; i++) {
        p.next = 0;
        do {
            is_there = errand_run(node_worker_at(n, i), on_worker, &p);
            if (is_there)
                absorb(u, &p, marks);
        } while (is_there && p.has_more);
    }
    free(p.at);
    return is_there;
}

static uint64_t process_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What the process as a whole did since the look before. */
static void count_process(struct usage *u)
{
    uint64_t now = clock_mono_ns(clock_system());
    uint64_t cpu = process_ns();
    uint64_t handled = u->handled;

    u->took_ns = u->at_ns == 0 ? 0 : now - u->at_ns;
    u->cpu_ns = cpu - u->process_ns;
    u->handled = grown(handled, u->handled_ever);
    u->at_ns = now;
    u->process_ns = cpu;
    u->handled_ever = handled;
}

bool usage_look(struct node *n, struct usage *u)
{
    struct usage_marks marks = {0};

    if (u->first == NULL)
        u->first = mem_zalloc(u->count * sizeof(*u->first));
    u->first_n = u->objects = u->awake = u->sockets = u->memory = 0;
    u->handled = 0;
    bool is_there = look_at_all(n, u, &marks);

    count_process(u);
    if (marks.n != 0)
        qsort(marks.at, marks.n, sizeof(*marks.at), by_id);
    free(u->marks);
    u->marks = marks.at;
    u->mark_n = marks.n;
    return is_there;
}

void usage_fini(struct usage *u)
{
    free(u->first);
    free(u->marks);
    *u = (struct usage){0};
}
