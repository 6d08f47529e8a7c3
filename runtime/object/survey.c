#include "object/survey.h"

#include "base/must.h"
#include "object/object.h"
#include "object/recall.h"
#include "object/socket_inside.h"
#include "store/db.h"
#include "vm/vm.h"

enum { PART = 2048 /* buckets of the table of objects */ };

static enum survey_state state_of(const struct object *o)
{
    switch (o->state) {
    case OBJECT_WAKING:
        return SURVEY_WAKING;
    case OBJECT_AWAKE:
        return SURVEY_AWAKE;
    case OBJECT_ASLEEP:
        break;
    }
    return sockets_any(o) ? SURVEY_HIBERNATING : SURVEY_ASLEEP;
}

static size_t count_sockets(const struct object *o)
{
    const struct list *link;
    size_t count = 0;

    if (o->sockets == NULL)
        return 0;
    for (link = o->sockets->others.next; link != &o->sockets->others;
         link = link->next)
        count++;
    return count + o->sockets->accepted_n;
}

/* A monotonic time as ms since the Unix epoch; 0 for 0. */
static int64_t wall_ms(const struct realm *r, uint64_t at_ns)
{
    const struct clock *clock = r->config.clock;
    uint64_t now = clock_mono_ns(clock);

    if (at_ns == 0 || at_ns > now)
        return 0;
    return clock_wall_ms(clock) - (int64_t)((now - at_ns) / 1000000);
}

/* When it last had something to do: it is busy now, or idle since then. */
static int64_t last_event(const struct object *o)
{
    if (!object_is_idle(o))
        return clock_wall_ms(o->realm->config.clock);
    return wall_ms(o->realm, o->idle_since_ns);
}

static int64_t idle_left(const struct object *o)
{
    const struct realm *r = o->realm;
    uint64_t end = o->idle_since_ns + r->config.limits.idle_ms * 1000000;
    uint64_t now = clock_mono_ns(r->config.clock);

    if (o->state == OBJECT_ASLEEP || !object_is_idle(o))
        return -1;
    return end > now ? (int64_t)((end - now) / 1000000) : 0;
}

int64_t survey_asleep_since(const struct realm *r, const struct oid *id)
{
    return wall_ms(r, departed_find(&r->departed, id));
}

void survey_object(const struct object *o, struct survey *out)
{
    *out = (struct survey){.state = SURVEY_ASLEEP, .idle_left = -1};
    if (o == NULL)
        return;
    out->since = wall_ms(o->realm, o->since_ns);
    out->idle_left = idle_left(o);
    out->state = state_of(o);
    out->sockets = count_sockets(o);
    out->last_event = last_event(o);
    out->events = o->events_n;
    out->queued = o->mailbox_n;
    if (o->vm == NULL)
        return;
    out->version = o->version;
    out->is_stale = object_is_stale(o);
    out->memory = vm_memory(o->vm);
}

uint64_t survey_cpu_ns(const struct object *o)
{
    return o->cpu_ns + (o->vm == NULL ? 0 : vm_cpu_ns(o->vm));
}

bool survey_part(const struct realm *r, size_t *at,
                 void (*each)(void *arg, const struct object *o), void *arg)
{
    if (r->objects == NULL)
        return false;
    const UT_hash_table *table = r->objects->hh.tbl;
    size_t count = table->num_buckets;

    /* It may have been emptied, and begun anew. */
    if (*at >= count)
        return false;
    size_t end = count - *at < PART ? count : *at + PART;

    for (; *at < end; ++*at) {
        const UT_hash_handle *h = table->buckets[*at].hh_head;

        for (; h != NULL; h = h->hh_next)
            each(arg, ELMT_FROM_HH(table, h));
    }
    return *at < count;
}

static int each_of(const struct list *list,
                   int (*each)(void *arg, const struct socket *s), void *arg)
{
    const struct list *link;
    int rc = 0;

    for (link = list->next; link != list && rc == 0; link = link->next)
        rc = each(arg, container_of(link, struct socket, link));
    return rc;
}

void survey_sockets(const struct object *o,
                    int (*each)(void *arg, const struct socket *s), void *arg)
{
    if (o->sockets != NULL && each_of(&o->sockets->accepted, each, arg) == 0)
        each_of(&o->sockets->others, each, arg);
}

/* Another content for the object, or none (`image` NULL). */
static int change(struct realm *r, const struct db_config *config,
                  const struct db_image *image, uint64_t *number,
                  struct error *err)
{
    struct db *db = NULL;
    int rc = db_open(config, &db, err);

    if (rc == 0 && image != NULL)
        rc = db_replace(db, image, err);
    if (rc == 0 && image == NULL)
        rc = db_delete_all(db, err);
    if (rc == 0 && image == NULL)
        rc = db_commit(db, err);
    *number = rc == 0 ? db_last_commit(db) : 0;
    db_close(db);
    if (rc == 0)
        scheduler_note(&r->scheduler, realm_class(r, config->class_name),
                       &config->id, image == NULL ? 0 : image->next_alarm);
    return rc;
}

int survey_delete(struct realm *r, const char *class_name, const struct oid *id,
                  struct gate_item *item, struct error *err)
{
    return survey_replace(r, class_name, id, NULL, item, err);
}

int survey_replace(struct realm *r, const char *class_name,
                   const struct oid *id, const struct db_image *image,
                   struct gate_item *item, struct error *err)
{
    const struct object_reset why = {
        .text = image == NULL
                    ? "the object was deleted by the operator of the server"
                    : "the object was replaced by the operator of the server",
        .queued_too = true,
        .is_deletion = true};
    struct object *o = realm_find(r, id);
    struct db_config config = {
        .client = r->config.store, .class_name = class_name, .id = *id};
    uint64_t number;

    if (o != NULL)
        object_reset(o, &why);
    int rc = change(r, &config, image, &number, err);
    if (rc == 0)
        recall_forget(r, realm_class(r, class_name), id, number, item);
    return rc;
}
