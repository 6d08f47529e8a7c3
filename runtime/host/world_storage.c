#include "host/world_storage.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "host/worker.h"
#include "host/world_inside.h"
#include "object/object.h"
#include "store/alarm.h"
#include "store/directory.h"

/* ---- databases ---- */

int world_db_open(struct world *w, const char *class_name, const struct oid *id,
                  struct slice name, struct world_db *out, struct error *err)
{
    const struct object *o = realm_find(world_realm(w), id);
    struct db_config config = {.client = world_worker(w)->store,
                               .class_name = class_name,
                               .id = *id,
                               .name = name};

    *out = (struct world_db){.world = w, .id = *id};
    snprintf(out->class_name, sizeof(out->class_name), "%s", class_name);
    if (o != NULL && o->db != NULL) {
        out->db = o->db;
        return 0;
    }
    out->is_own = true;
    return db_open(&config, &out->db, err);
}

int world_db_commit(struct world_db *d, struct error *err)
{
    struct realm *r = world_realm(d->world);
    int rc = db_commit(d->db, err);

    if (rc == 0)
        scheduler_note(&r->scheduler, realm_class(r, d->class_name), &d->id,
                       alarm_next(d->db));
    return rc;
}

void world_db_close(struct world_db *d)
{
    if (d->is_own)
        db_close(d->db);
    d->db = NULL;
}

/* ---- objects ---- */

struct walk {
    struct world *world;
    int (*each)(void *arg, const struct world_object *o);
    void *arg;
};

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct walk *walk = arg;
    struct world_object o = {.class_name = e->class_name,
                             .name = e->name,
                             .id = e->id,
                             .has_storage = true,
                             .next_alarm = e->next_alarm};

    survey_object(realm_find(world_realm(walk->world), &e->id), &o.survey);
    return walk->each(walk->arg, &o);
}

static int is_there(void *arg, const struct directory_entry *e)
{
    (void)arg, (void)e;
    return 0;
}

/* Those that the directory has not. */
static int walk_memory(struct walk *walk, struct directory_reader *reader,
                       struct error *err)
{
    struct realm *r = world_realm(walk->world);
    int rc = 0;

    for (struct object *o = r->objects; o != NULL && rc == 0; o = o->hh.next) {
        struct world_object seen = {.class_name = slice_of(o->cls->name),
                                    .name = {o->name, o->name_n},
                                    .id = o->id};

        rc =
            directory_get(reader, seen.class_name, &o->id, is_there, NULL, err);
        if (rc != 0) {
            rc = rc < 0 ? rc : 0;
            continue;
        }
        survey_object(o, &seen.survey);
        rc = walk->each(walk->arg, &seen);
    }
    return rc;
}

static struct directory_reader *reader_of(struct world *w, struct error *err)
{
    return store_client_reader(world_worker(w)->store, err);
}

int world_objects(struct world *w,
                  int (*each)(void *arg, const struct world_object *o),
                  void *arg, struct error *err)
{
    struct directory_reader *reader = reader_of(w, err);
    const struct directory_query query = {.limit = -1};
    struct walk walk = {w, each, arg};

    if (reader == NULL)
        return err->code;
    int rc = directory_list(reader, &query, on_entry, &walk, err);
    return rc != 0 ? rc : walk_memory(&walk, reader, err);
}

static int on_due(void *arg, const struct directory_entry *e)
{
    *(int64_t *)arg = e->next_alarm;
    return 1;
}

int64_t world_next_alarm(struct world *w, struct error *err)
{
    struct directory_reader *reader = reader_of(w, err);
    const struct directory_span first = {.until = INT64_MAX, .limit = 1};
    int64_t due = 0;

    if (reader == NULL)
        return err->code;
    int rc = directory_due(reader, &first, on_due, &due, err);
    return rc < 0 ? rc : due;
}

bool world_evict(struct world *w, const struct oid *id)
{
    struct object *o = realm_find(world_realm(w), id);

    if (o == NULL || o->state == OBJECT_ASLEEP)
        return true;
    if (o->events_n != 0 || o->mailbox_n != 0)
        return false;
    object_unload(o);
    realm_schedule(o->realm, o);
    return true;
}
