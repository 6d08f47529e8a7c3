/* question_show.c - `show`: one object, all of it. */
#include <stdlib.h>

#include "base/mem.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "store/contents.h"
#include "store/directory.h"

/* What the directory says; its slices are not kept. */
static int keep_entry(void *arg, const struct directory_entry *e)
{
    struct directory_entry *kept = arg;

    *kept = *e;
    kept->class_name = (struct slice){0};
    kept->name = (struct slice){0};
    return 0;
}

static void add_memory(struct buf *row, const struct survey *s)
{
    inspect_add_state(row, s);
    row_add_nonzero(row, "version", (int64_t)s->version);
    row_add_bool(row, "stale", s->is_stale);
    row_add_integer(row, "events", (int64_t)s->events);
    row_add_integer(row, "queued", (int64_t)s->queued);
    row_add_integer(row, "memory", (int64_t)s->memory);
    row_add_integer(row, "socket_count", (int64_t)s->sockets);
}

static int send_object(struct question *q, const struct inspection *i,
                       struct slice name, const struct directory_entry *e)
{
    int64_t last = i->survey.last_event;
    bool is_counted = i->keys <= CONTENTS_COUNT_MAX;
    struct buf *row = &q->row;

    row_begin(row, "object");
    inspect_add_object(row, slice_of(i->class_name), &i->id,
                       i->name.n != 0 ? buf_slice(&i->name) : name);
    row_add_nonzero(row, "created", e->created);
    row_add_nonzero(row, "last_commit", e->last_commit);
    row_add_nonzero(row, "last_event",
                    last > e->last_commit ? last : e->last_commit);
    row_add_integer(row, "bytes", i->bytes);
    add_memory(row, &i->survey);
    row_add_nonzero(row, "next_alarm", i->next_alarm);
    row_add_integer(row, "key_count",
                    is_counted ? i->keys : CONTENTS_COUNT_MAX);
    row_add_bool(row, "key_count_is_exact", is_counted);
    row_add_name(row, "error",
                 slice_of(i->error.code == 0 ? "" : i->error.text));
    return question_send(q);
}

int question_show(struct question *q, struct error *err)
{
    struct slice class_name = row_text(q->asked, "class");
    struct directory_entry entry = {0};
    struct inspection i = {0};
    struct slice name = {0};
    int rc = question_check_class(q, err);

    if (rc == 0)
        rc = question_find(q, &i.id, &name, keep_entry, &entry, err);
    if (rc < 0)
        return rc;
    char *class_text = mem_dup(class_name.p, class_name.n);
    i.class_name = class_text;
    errand_run(node_worker_of(q->node, &i.id), inspect_object, &i);
    if (rc == 0 && !i.is_in_memory && !i.has_storage)
        rc = question_no_object(q, err);
    else
        rc = send_object(q, &i, name, &entry);
    if (rc == 0)
        rc = question_send_rows(q, &i.rows);
    inspect_fini(&i);
    free(class_text);
    return rc;
}
