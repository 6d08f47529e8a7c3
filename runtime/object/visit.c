#include "object/visit.h"

#include "object/object.h"
#include "store/db.h"

int visit_begin(struct realm *r, const char *class_name, const struct oid *id,
                struct visit *out, struct error *err)
{
    struct object *o = realm_find(r, id);
    struct db_config config = {
        .client = r->config.store, .class_name = class_name, .id = *id};

    *out = (struct visit){
        .realm = r, .class_name = class_name, .id = *id, .object = o};
    if (o != NULL && o->preempted != NULL)
        return error_set(err, ERR_BUSY, "the object is computing");
    if (o != NULL && o->recall != NULL)
        return error_set(err, ERR_BUSY, "the object goes back to a bookmark");
    if (o != NULL && o->db != NULL) {
        out->db = o->db;
        return db_is_broken(o->db, err) ? err->code : 0;
    }
    out->is_own = true;
    return db_open(&config, &out->db, err);
}

/* The object's own database is of no use to it any more. */
static void reset_broken(struct visit *v, const struct error *why)
{
    v->db = NULL;
    object_reset(v->object,
                 &(struct object_reset){.text = why->text, .retryable = true});
}

static void send_to_sleep(struct visit *v)
{
    struct object *o = v->object;

    if (o == NULL || o->state == OBJECT_ASLEEP)
        return;
    if (!object_is_idle(o)) {
        v->is_overtaken = true;
        return;
    }
    v->db = v->is_own ? v->db : NULL;
    object_evict(o);
}

int visit_commit(struct visit *v, uint64_t *number, struct error *err)
{
    bool is_dirty = db_is_dirty(v->db);
    int rc = is_dirty ? db_commit(v->db, err) : 0;

    *number = 0;
    if (rc != 0) {
        if (!v->is_own)
            reset_broken(v, err);
        return rc;
    }
    *number = db_last_commit(v->db);
    if (is_dirty)
        send_to_sleep(v);
    return 0;
}

void visit_end(struct visit *v)
{
    struct error why;

    if (v->db == NULL)
        return;
    if (v->is_own)
        db_close(v->db);
    else if (db_is_broken(v->db, &why))
        reset_broken(v, &why);
    else
        db_rollback(v->db);
    v->db = NULL;
}
