/* question_classes.c - `classes`: those of the script, and those that have
 * objects. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/roster.h"
#include "host/row.h"
#include "store/store.h"

struct names {
    char **at; /* owned, as the array */
    size_t count;
};

static int add(void *arg, const char *name)
{
    struct names *n = arg;

    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->at[i], name) == 0)
            return 0;
    }
    n->at = mem_realloc(n->at, (n->count + 1) * sizeof(*n->at));
    n->at[n->count++] = mem_dup(name, strlen(name));
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int question_classes(struct question *q, struct error *err)
{
    struct names names = {0};

    roster_each(node_roster(q->node), add, &names);
    int rc = store_classes(node_store(q->node), add, &names);
    if (rc != 0)
        error_set(err, rc, "cannot look for the classes that have data: %s",
                  err_text(rc));
    if (names.count != 0)
        qsort(names.at, names.count, sizeof(*names.at), by_name);
    for (size_t i = 0; i < names.count; i++) {
        if (rc == 0) {
            row_begin(&q->row, "class");
            row_add_text(&q->row, "name", slice_of(names.at[i]));
            rc = question_send(q);
        }
        free(names.at[i]);
    }
    free(names.at);
    return rc;
}
