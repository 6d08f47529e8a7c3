/* question_classes.c - `classes`: those of the script and those that have
 * objects, with how many, and how many of them are awake. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/errand.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/roster.h"
#include "host/row.h"
#include "store/directory.h"

struct class_line {
    char *name; /* owned */
    bool is_in_script;
    uint64_t awake;
};

struct class_lines {
    struct class_line *at; /* owned */
    size_t count;
};

static struct class_line *line_of(struct class_lines *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->at[i].name, name) == 0)
            return &all->at[i];
    }
    all->at = mem_realloc(all->at, (all->count + 1) * sizeof(*all->at));
    all->at[all->count] =
        (struct class_line){.name = mem_dup(name, strlen(name))};
    return &all->at[all->count++];
}

static int on_script_class(void *arg, const char *name)
{
    line_of(arg, name)->is_in_script = true;
    return 0;
}

static int on_stored_class(void *arg, const char *name)
{
    line_of(arg, name);
    return 0;
}

static void on_worker(struct worker *w, void *arg)
{
    struct class_lines *all = arg;

    for (size_t i = 0; i < all->count; i++) {
        const struct object_class *c = NULL;

        HASH_FIND_STR(w->realm.classes, all->at[i].name, c);
        all->at[i].awake += c == NULL ? 0 : *c->awake;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct class_line *x = a;
    const struct class_line *y = b;

    return strcmp(x->name, y->name);
}

static int send_class(struct question *q, const struct class_line *l,
                      struct error *err)
{
    int64_t count = directory_count(q->directory, slice_of(l->name));

    if (count < 0)
        return error_set(err, (int)count, "the directory cannot be read: %s",
                         err_text((int)count));
    row_begin(&q->row, "class");
    row_add_text(&q->row, "class", slice_of(l->name));
    row_add_integer(&q->row, "count", count);
    row_add_integer(&q->row, "awake", (int64_t)l->awake);
    row_add_bool(&q->row, "in_script", l->is_in_script);
    return question_send(q);
}

int question_classes(struct question *q, struct error *err)
{
    struct class_lines all = {0};

    roster_each(node_roster(q->node), on_script_class, &all);
    int rc = store_classes(node_store(q->node), on_stored_class, &all);
    if (rc != 0)
        error_set(err, rc, "cannot look for the classes that have data: %s",
                  err_text(rc));
    for (int i = 0; i < node_worker_count(q->node); i++)
        errand_run(node_worker_at(q->node, i), on_worker, &all);
    if (all.count > 1)
        qsort(all.at, all.count, sizeof(*all.at), by_name);
    for (size_t i = 0; i < all.count; i++) {
        if (rc == 0)
            rc = send_class(q, &all.at[i], err);
        free(all.at[i].name);
    }
    free(all.at);
    return rc;
}
