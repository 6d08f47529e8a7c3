/* question_delete.c - `delete`: one object, all of it; answered when that is
 * durable. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "object/survey.h"
#include "store/db.h"
#include "store/directory.h"

struct deletion {
    const char *class_name;
    struct oid id;
    bool is_there;
    struct gate_item item;
    uv_sem_t done;
    struct error error; /* code 0: it is gone */
};

static void on_durable(struct gate_item *item, const struct error *failure)
{
    struct deletion *d = container_of(item, struct deletion, item);

    if (failure != NULL)
        d->error = *failure;
    uv_sem_post(&d->done);
}

static bool has_storage(struct worker *w, const struct deletion *d)
{
    struct inspect_db db;

    if (inspect_open(w, d->class_name, &d->id, &db, NULL) != 0)
        return true; /* the deletion will say what is wrong with it */
    bool exists = db_exists(db.db);
    inspect_close(&db);
    return exists;
}

static void on_worker(struct worker *w, void *arg)
{
    struct deletion *d = arg;
    int rc = 0;

    d->is_there = realm_find(&w->realm, &d->id) != NULL || has_storage(w, d);
    if (d->is_there)
        rc = survey_delete(&w->realm, d->class_name, &d->id, &d->item,
                           &d->error);
    if (!d->is_there || rc != 0)
        uv_sem_post(&d->done);
}

static int ignore_entry(void *arg, const struct directory_entry *e)
{
    (void)arg, (void)e;
    return 0;
}

static int delete_object(struct question *q, struct deletion *d,
                         struct error *err)
{
    list_init(&d->item.link);
    d->item.takes_all = true;
    d->item.release = on_durable;
    MUST(uv_sem_init(&d->done, 0) == 0);
    if (errand_run(node_worker_of(q->node, &d->id), on_worker, d))
        uv_sem_wait(&d->done);
    else
        error_set(&d->error, ERR_CLOSED, "the server is shutting down");
    uv_sem_destroy(&d->done);
    if (d->error.code != 0) {
        *err = d->error;
        return d->error.code;
    }
    return d->is_there ? 0 : question_no_object(q, err);
}

int question_delete(struct question *q, struct error *err)
{
    struct slice class_name = row_text(q->asked, "class");
    struct deletion d = {0};
    struct slice name = {0};
    int rc = question_check_class(q, err);

    if (rc == 0)
        rc = question_find(q, &d.id, &name, ignore_entry, NULL, err);
    if (rc < 0)
        return rc;
    char *class_text = mem_dup(class_name.p, class_name.n);
    d.class_name = class_text;
    rc = delete_object(q, &d, err);
    if (rc == 0) {
        row_begin(&q->row, "deleted");
        inspect_add_object(&q->row, class_name, &d.id, name);
        rc = question_send(q);
    }
    free(class_text);
    return rc;
}
