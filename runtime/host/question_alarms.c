/* question_alarms.c - `alarms`: those of all objects, by object in the order of
 * the next one, or the dead letters.  The directory tells which objects have
 * some; their databases are looked into a few at a time. */
#include <stdlib.h>

#include "base/mem.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "store/directory.h"

/* Objects that one errand opens, and entries that the directory is asked for at
 * a time. */
enum { PAGE = 32, DUE_PAGE = 512 };

struct owner {
    struct directory_entry entry;
    size_t name_at;
    struct buf rows; /* row_join */
};

struct page {
    struct question *q;
    enum alarm_which which;
    struct slice class_name; /* p == NULL: all */
    struct owner owners[PAGE];
    size_t count;
    struct buf names;
    /* Where the directory is asked to go on. */
    int64_t after_time;
    struct oid after_id;
    size_t given;
};

/* ---- one page ---- */

struct alarm_line {
    int64_t at;
    struct slice row; /* in `bytes`, once that has stopped to grow */
    size_t row_at;
};

/* The alarms of one object, to be sorted. */
struct sorting {
    const struct owner *owner;
    struct buf bytes;
    struct alarm_line *lines;
    size_t count, cap;
};

static int on_alarm(void *arg, const struct alarm *a)
{
    struct sorting *s = arg;
    struct buf row = {0};

    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 8 : 2 * s->cap;
        s->lines = mem_realloc(s->lines, s->cap * sizeof(*s->lines));
    }
    inspect_alarm_row(&row, a, &s->owner->entry);
    s->lines[s->count++] =
        (struct alarm_line){.at = a->dead != 0 ? a->dead : a->due,
                            .row = {NULL, row.n},
                            .row_at = s->bytes.n};
    buf_add_slice(&s->bytes, buf_slice(&row));
    buf_fini(&row);
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct alarm_line *x = a;
    const struct alarm_line *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

static void read_owner(struct worker *w, struct page *p, struct owner *o)
{
    struct sorting s = {.owner = o};
    struct inspect_db d;
    char *class_name = mem_dup(o->entry.class_name.p, o->entry.class_name.n);

    o->entry.name.p = p->names.p + o->name_at;
    if (inspect_open(w, class_name, &o->entry.id, &d, NULL) == 0)
        alarm_each(d.db, p->which, on_alarm, &s, NULL);
    inspect_close(&d);
    if (s.count != 0)
        qsort(s.lines, s.count, sizeof(*s.lines), by_time);
    for (size_t i = 0; i < s.count; i++)
        row_join(&o->rows, (struct slice){s.bytes.p + s.lines[i].row_at,
                                          s.lines[i].row.n});
    buf_fini(&s.bytes);
    free(s.lines);
    free(class_name);
}

static void on_worker(struct worker *w, void *arg)
{
    struct page *p = arg;

    for (size_t i = 0; i < p->count; i++) {
        if (node_worker_of(p->q->node, &p->owners[i].entry.id) == w)
            read_owner(w, p, &p->owners[i]);
    }
}

static int send_owner(struct question *q, struct owner *o)
{
    struct slice rows = buf_slice(&o->rows);
    struct slice row;
    int rc = 0;

    while (rc == 0 && cell_next_text(&rows, &row))
        rc = q->to.row(q->to.arg, row) == 0 ? 0 : ERR_CANCELED;
    return rc;
}

static int send_page(struct page *p)
{
    struct node *n = p->q->node;
    int rc = 0;

    for (int i = 0; i < node_worker_count(n) && p->count != 0; i++)
        errand_run(node_worker_at(n, i), on_worker, p);
    for (size_t i = 0; i < p->count; i++) {
        if (rc == 0)
            rc = send_owner(p->q, &p->owners[i]);
        buf_fini(&p->owners[i].rows);
    }
    p->count = 0;
    p->names.n = 0;
    return rc;
}

/* ---- all of them ---- */

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct page *p = arg;

    p->given++;
    p->after_time = e->next_alarm;
    p->after_id = e->id;
    if (p->class_name.p != NULL && !slice_eq(e->class_name, p->class_name))
        return 0;
    p->owners[p->count++] = (struct owner){.entry = *e, .name_at = p->names.n};
    buf_add_slice(&p->names, e->name);
    return p->count == PAGE ? send_page(p) : 0;
}

static int list_dead(struct page *p, struct error *err)
{
    struct directory_query query = {
        .class_name = p->class_name, .with_dead = true, .limit = -1};

    return directory_list(p->q->directory, &query, on_entry, p, err);
}

static int list_alive(struct page *p, struct error *err)
{
    int rc;

    do {
        struct oid after = p->after_id;
        const struct directory_span next = {INT64_MAX, p->after_time,
                                            p->after_time == 0 ? NULL : &after,
                                            DUE_PAGE};

        p->given = 0;
        rc = directory_due(p->q->directory, &next, on_entry, p, err);
    } while (rc == 0 && p->given == DUE_PAGE);
    return rc;
}

int question_alarms(struct question *q, struct error *err)
{
    struct cell dead;
    struct page *p = mem_zalloc(sizeof(*p));

    p->q = q;
    p->class_name = row_text(q->asked, "class");
    p->which = row_find(q->asked, "dead", &dead) ? ALARM_DEAD : ALARM_ALIVE;
    int rc = question_check_class(q, err);
    if (rc == 0)
        rc = p->which == ALARM_DEAD ? list_dead(p, err) : list_alive(p, err);
    if (rc == 0)
        rc = send_page(p);
    buf_fini(&p->names);
    free(p);
    return rc;
}
