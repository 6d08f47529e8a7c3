#include "object/object.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/cause.h"
#include "object/chain.h"
#include "object/departed.h"
#include "object/socket.h"
#include "store/db.h"
#include "vm/code.h"
#include "vm/task.h"
#include "vm/vm.h"

/* A smaller state is not worth the time of a collection. */
enum { REST_BYTES = 48 * 1024 };

struct object *object_new(struct realm *r, const struct object_class *cls,
                          const struct oid *id, struct slice name)
{
    struct object *o = mem_zalloc(sizeof(*o));

    o->realm = r;
    o->next_alarm = -1;
    o->cls = cls;
    if (id != NULL)
        o->id = *id;
    if (name.n != 0) {
        o->name = mem_dup(name.p, name.n);
        o->name_n = name.n;
    }
    list_init(&o->mailbox);
    list_init(&o->spawned);
    list_init(&o->events);
    list_init(&o->ready);
    list_init(&o->outbox);
    list_init(&o->sections);
    list_init(&o->targets);
    list_init(&o->run_link);
    list_init(&o->idle_link);
    list_init(&o->router_link);
    return o;
}

bool object_is_own_fault(int code)
{
    return code == ERR_SQL || code == ERR_LIMIT || code == ERR_NOMEM;
}

bool object_is_idle(const struct object *o)
{
    return o->events_n == 0 && o->mailbox_n == 0 && o->keepalive == 0 &&
           list_empty(&o->spawned) && list_empty(&o->sections);
}

bool object_is_stale(const struct object *o)
{
    return o->state != OBJECT_ASLEEP && o->version != o->realm->version;
}

uint64_t object_gate_number(const struct object *o,
                            const struct gate_item *item)
{
    if (item->takes_none)
        return 0;
    if (o->db == NULL)
        return o->gated;
    return item->takes_all ? db_last_commit(o->db) : db_gate(o->db);
}

bool object_has_nothing_to_wait_for(const struct object *o)
{
    uint64_t number = o->db == NULL ? o->gated : db_gate(o->db);

    return list_empty(&o->outbox) && number <= o->realm->gate.durable &&
           (o->db == NULL || !db_is_dirty(o->db));
}

void object_woke(struct object *o)
{
    o->state = OBJECT_AWAKE;
    o->realm->counters.woken++;
    if (o->cls != NULL)
        ++*o->cls->awake;
}

void object_rest(struct object *o)
{
    if (o->vm != NULL)
        task_trim(o->vm);
    /* What had a finalizer goes with the collection after the one that ran
     * it.  A reference that is garbage keeps another object awake. */
    bool is_worth_it =
        o->vm != NULL && (vm_memory(o->vm) > REST_BYTES || o->held != 0);
    for (int i = 0; i < 2 && is_worth_it; i++)
        vm_collect(o->vm);
    if (o->db != NULL)
        db_shrink(o->db);
}

void object_evict(struct object *o)
{
    MUST(object_is_idle(o));
    object_unload(o);
    realm_schedule(o->realm, o);
}

bool object_free_if_done(struct object *o)
{
    if (o->state != OBJECT_ASLEEP || !object_is_idle(o) || sockets_any(o) ||
        o == o->realm->router || o->recall != NULL || !list_empty(&o->run_link))
        return false;
    if (o->cls != NULL) {
        departed_note(&o->realm->departed, &o->id, o->since_ns);
        HASH_DEL(o->realm->objects, o);
    }
    list_unlink(&o->router_link);
    free(o->name);
    free(o);
    return true;
}

int object_open_db(struct object *o, struct db **out, struct error *err)
{
    struct db_config config = {.client = o->realm->config.store,
                               .id = o->id,
                               .name = {o->name, o->name_n},
                               .is_name_stored = o->is_name_stored,
                               .progress_arg = o};

    *out = o->db;
    if (o->db != NULL)
        return 0;
    if (o->cls == NULL)
        return error_set(err, ERR_INVALID, "a router has no storage");
    config.class_name = o->cls->name;
    config.progress = o->realm->config.script->progress;
    int rc = db_open(&config, &o->db, err);
    *out = o->db;
    return rc;
}

struct slice object_name(struct object *o)
{
    struct db *db;

    if (o->name == NULL && o->cls != NULL &&
        object_open_db(o, &db, NULL) == 0) {
        struct slice stored = db_name(db);

        if (stored.n != 0) {
            o->name = mem_dup(stored.p, stored.n);
            o->name_n = stored.n;
        }
    }
    return (struct slice){o->name, o->name_n};
}

struct section *object_running_section(const struct object *o)
{
    struct event *e = o->running == NULL ? NULL : o->running->owner;

    return e == NULL ? NULL : section_resolve(e->section);
}

void object_spawn(struct object *o, struct event *e)
{
    struct section *s = section_resolve(e->section);

    /* What comes from a peer has nothing to do with what happens to run. */
    if (e->section == NULL && e->kind != EVENT_SOCKET)
        s = object_running_section(o);
    if (s != e->section) {
        section_drop(e->section);
        e->section = s == NULL ? NULL : section_hold(s);
    }
    e->order = o->realm->order++;
    list_push(&o->spawned, &e->link);
    realm_schedule(o->realm, o);
}

void object_cancel(struct object *o, struct event *e)
{
    MUST(e->task == NULL || e->task != o->running);
    list_unlink(&e->link);
    if (e->task != NULL) {
        chain_cancel(o, e);
        if (o->preempted == e->task)
            o->preempted = NULL;
        task_cancel(e->task);
        e->task = NULL;
        o->events_n--;
    }
    event_free(e);
}

int object_block(struct object *o, struct event *e)
{
    struct section *parent = object_running_section(o);

    if (parent != NULL && parent->depth >= SECTION_DEPTH_MAX) {
        event_free(e);
        return ERR_TOO_BIG;
    }
    struct section *s = section_new(o, parent, e);

    if (o->running != NULL)
        cause_set(e, o->running->owner);
    e->section = section_hold(s);
    list_push(&o->sections, &s->link);
    realm_schedule(o->realm, o);
    return 0;
}

void object_send(struct object *o, struct gate_item *item)
{
    if (o->running != NULL)
        list_push(&o->outbox, &item->link);
    else
        gate_push(&o->realm->gate, item, object_gate_number(o, item));
}

void object_keep(struct object *o)
{
    o->keepalive++;
}

void object_let_go(struct object *o)
{
    /* The count is already 0 when userdata of a freed state lets go. */
    if (o->vm == NULL || o->keepalive == 0)
        return;
    if (--o->keepalive == 0)
        realm_schedule(o->realm, o);
}
