/* question_why.c - `why`: what keeps one object awake, or since when it
 * sleeps. */
#include <stdlib.h>

#include "base/mem.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "object/keepers.h"
#include "object/object.h"
#include "object/survey.h"
#include "store/directory.h"

enum { ROWS_MAX = 200 /* of a kind; more are only counted */ };

struct looking {
    const struct oid *id;
    struct survey survey;
    struct buf rows; /* "keeper": row_join */
    struct buf row;
    size_t told[KEEPER_NOT_SAVED + 1]; /* by kind */
    int64_t last_commit;
};

static const char *const kinds[] = {
    [KEEPER_EVENT] = "event",     [KEEPER_QUEUED] = "queued",
    [KEEPER_SECTION] = "section", [KEEPER_TIMER] = "timer",
    [KEEPER_SOCKETS] = "sockets", [KEEPER_TARGETS] = "references",
    [KEEPER_SPAWNED] = "tasks",   [KEEPER_FIRING] = "alarm",
    [KEEPER_NOT_SAVED] = "disk",
};

/* Cells by what the kind has. */
static void add_cells(struct buf *row, const struct keeper *k)
{
    switch (k->kind) {
    case KEEPER_EVENT:
    case KEEPER_SECTION:
        row_add_text(row, "what", k->what);
        row_add_integer(row, "age_ms", (int64_t)k->age_ms);
        row_add_name(row, "waits_for", k->waits_for);
        break;
    case KEEPER_TIMER:
        row_add_integer(row, "due_ms", (int64_t)k->due_ms);
        row_add_nonzero(row, "every_ms", (int64_t)k->every_ms);
        break;
    default:
        row_add_integer(row, "count", (int64_t)k->count);
    }
}

static void on_keeper(void *arg, const struct keeper *k)
{
    struct looking *l = arg;

    if (l->told[k->kind]++ >= ROWS_MAX)
        return;
    row_begin(&l->row, "keeper");
    row_add_text(&l->row, "kind", slice_of(kinds[k->kind]));
    add_cells(&l->row, k);
    row_join(&l->rows, buf_slice(&l->row));
}

static void on_worker(struct worker *w, void *arg)
{
    struct looking *l = arg;
    const struct object *o = realm_find(&w->realm, l->id);

    survey_object(o, &l->survey);
    if (o == NULL)
        l->survey.since = survey_asleep_since(&w->realm, l->id);
    else if (o->state != OBJECT_ASLEEP)
        keepers_each(o, on_keeper, l);
}

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct looking *l = arg;

    l->last_commit = e->last_commit;
    return 0;
}

static int send_object(struct question *q, struct looking *l, struct slice name)
{
    const struct survey *s = &l->survey;
    int64_t last =
        s->last_event > l->last_commit ? s->last_event : l->last_commit;
    struct buf *row = &q->row;

    row_begin(row, "object");
    inspect_add_object(row, row_text(q->asked, "class"), l->id, name);
    inspect_add_state(row, s);
    row_add_nonzero(row, "since", s->since);
    row_add_nonzero(row, "last_event", last);
    if (s->idle_left >= 0)
        row_add_integer(row, "sleeps_in_ms", s->idle_left);
    else
        row_add_none(row, "sleeps_in_ms");
    row_add_integer(row, "socket_count", (int64_t)s->sockets);
    row_add_integer(row, "events", (int64_t)l->told[KEEPER_EVENT]);
    row_add_integer(row, "timers", (int64_t)l->told[KEEPER_TIMER]);
    return question_send(q);
}

int question_why(struct question *q, struct error *err)
{
    struct looking l = {0};
    struct slice name = {0};
    struct oid id;
    int rc = question_check_class(q, err);

    if (rc == 0)
        rc = question_find(q, &id, &name, on_entry, &l, err);
    if (rc < 0)
        return rc;
    bool has_storage = rc == 1;

    l.id = &id;
    errand_run(node_worker_of(q->node, &id), on_worker, &l);
    if (!has_storage && l.survey.state == SURVEY_ASLEEP && l.survey.since == 0)
        rc = question_no_object(q, err);
    else
        rc = send_object(q, &l, name);
    if (rc == 0)
        rc = question_send_rows(q, &l.rows);
    buf_fini(&l.rows);
    buf_fini(&l.row);
    return rc;
}
