/*
 * question_copy.c - `hold` and `point`: what whoever copies the data needs of
 * the server that goes on with it (store/snapshot.h).
 */
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "store/directory.h"
#include "store/store.h"

#include <time.h>

enum { ALIVE_MS = 250 };

/* Keep the log from now until who asked has left. */
int question_hold(struct question *q, struct error *err)
{
    const struct timespec pause = {.tv_nsec = ALIVE_MS * 1000000};
    uint64_t oldest = store_hold_log(node_store(q->node));

    (void)err;
    row_begin(&q->row, "held");
    row_add_integer(&q->row, "oldest", (int64_t)oldest);
    int rc = question_send(q);
    if (rc == 0)
        rc = question_flush(q);
    while (rc == 0) {
        nanosleep(&pause, NULL);
        rc = question_alive(q);
    }
    store_let_log_go(node_store(q->node));
    return rc;
}

static int ignore_entry(void *arg, const struct directory_entry *e)
{
    (void)arg, (void)e;
    return 0;
}

/* The object that is asked about, if any, must have storage. */
static int find_object(struct question *q, struct oid *id, struct slice *name,
                       struct error *err)
{
    int rc = question_check_class(q, err);

    if (rc == 0)
        rc = question_find(q, id, name, ignore_entry, NULL, err);
    if (rc == 0)
        return question_no_object(q, err);
    return rc < 0 ? rc : 0;
}

/* The last commit that is on disk, after everything so far is. */
int question_point(struct question *q, struct error *err)
{
    char hex[OID_HEX + 1] = "";
    struct slice name = {0};
    uint64_t number = 0;
    struct oid id;
    struct cell c;
    int rc = 0;

    if (row_find(q->asked, "class", &c)) {
        rc = find_object(q, &id, &name, err);
        if (rc == 0)
            oid_to_hex(&id, hex);
    }
    if (rc == 0)
        rc = store_point(node_store(q->node), &number, err);
    if (rc != 0)
        return rc;
    row_begin(&q->row, "point");
    row_add_integer(&q->row, "number", (int64_t)number);
    row_add_integer(&q->row, "objects",
                    directory_count(q->directory, (struct slice){0}));
    row_add_name(&q->row, "id", slice_of(hex));
    row_add_name(&q->row, "name", name);
    return question_send(q);
}
