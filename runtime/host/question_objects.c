/* question_objects.c - `objects`: every object that has storage, page by page
 * from the directory, with what each is doing from its worker. */
#include <stdlib.h>

#include "base/mem.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "object/survey.h"
#include "store/directory.h"

enum { FIRST_PAGE = 64, PAGE = 512 };

struct line {
    struct directory_entry entry; /* class is borrowed from the directory */
    size_t name_at;               /* of its name in page.names */
    struct survey survey;
};

struct page {
    struct question *q;
    struct line *lines; /* PAGE of them */
    size_t count, max;
    struct buf names;
    int rc; /* of the last sending */
};

static void on_worker(struct worker *w, void *arg)
{
    struct page *p = arg;

    for (size_t i = 0; i < p->count; i++) {
        struct line *l = &p->lines[i];

        if (node_worker_of(p->q->node, &l->entry.id) == w)
            survey_object(realm_find(&w->realm, &l->entry.id), &l->survey);
    }
}

static int send_line(struct page *p, const struct line *l)
{
    const struct directory_entry *e = &l->entry;
    const struct slice name = {p->names.p + l->name_at, e->name.n};
    struct buf *row = &p->q->row;
    int64_t last = l->survey.last_event;

    row_begin(row, "object");
    inspect_add_object(row, e->class_name, &e->id, name);
    row_add_integer(row, "bytes", e->bytes);
    inspect_add_state(row, &l->survey);
    row_add_nonzero(row, "version", (int64_t)l->survey.version);
    row_add_bool(row, "stale", l->survey.is_stale);
    row_add_integer(row, "socket_count", (int64_t)l->survey.sockets);
    row_add_nonzero(row, "next_alarm", e->next_alarm);
    row_add_nonzero(row, "last_event",
                    last > e->last_commit ? last : e->last_commit);
    row_add_nonzero(row, "created", e->created);
    row_add_nonzero(row, "last_commit", e->last_commit);
    row_add_integer(row, "dead_alarms", e->dead);
    return question_send(p->q);
}

static int send_page(struct page *p)
{
    struct node *n = p->q->node;

    for (int i = 0; i < node_worker_count(n) && p->count != 0; i++)
        errand_run(node_worker_at(n, i), on_worker, p);
    for (size_t i = 0; i < p->count && p->rc == 0; i++)
        p->rc = send_line(p, &p->lines[i]);
    p->count = 0;
    p->names.n = 0;
    p->max = PAGE; /* the first one is there soon */
    return p->rc;
}

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct page *p = arg;
    struct line *l = &p->lines[p->count++];

    *l = (struct line){.entry = *e, .name_at = p->names.n};
    buf_add_slice(&p->names, e->name);
    return p->count == p->max ? send_page(p) : 0;
}

static struct directory_query query_of(struct question *q)
{
    struct slice after = row_text(q->asked, "after");
    struct slice after_id = row_text(q->asked, "after_id");
    struct oid id = {0};
    struct cell limit;
    bool has_id = oid_from_hex(after_id.p, after_id.n, &id);

    return (struct directory_query){
        .class_name = row_text(q->asked, "class"),
        .prefix = row_text(q->asked, "prefix"),
        .has_after = after.n != 0 || has_id,
        .after_name = after,
        .after_id = id,
        .limit = row_find(q->asked, "limit", &limit) ? limit.integer : -1};
}

int question_objects(struct question *q, struct error *err)
{
    struct page page = {.q = q, .max = FIRST_PAGE};
    struct directory_query query = query_of(q);
    int rc = question_check_class(q, err);

    if (rc != 0)
        return rc;
    page.lines = mem_alloc(PAGE * sizeof(*page.lines));
    rc = directory_list(q->directory, &query, on_entry, &page, err);
    if (rc == 0)
        rc = send_page(&page);
    free(page.lines);
    buf_fini(&page.names);
    return rc;
}
