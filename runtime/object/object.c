#include "object/object.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
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
    list_init(&o->run_link);
    list_init(&o->idle_link);
    list_init(&o->router_link);
    return o;
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

/* The event that woke the object fails with it; the others wake it anew. */
static void take_first(struct object *o, struct list *failed)
{
    struct list *link = list_shift(&o->mailbox);

    if (link == NULL)
        return;
    list_push(failed, link);
    o->mailbox_n--;
}

/* What came from sockets is for the fresh state to see, or theirs to drop;
 * unless none could be made. */
static void take_mail(struct object *o, struct list *failed)
{
    bool with_sockets = o->state == OBJECT_WAKING && !o->realm->is_closing;
    struct list *link = o->mailbox.next;

    while (link != &o->mailbox) {
        struct event *e = container_of(link, struct event, link);

        link = link->next;
        if (e->kind == EVENT_SOCKET && !with_sockets)
            continue;
        list_unlink(&e->link);
        list_push(failed, &e->link);
        o->mailbox_n--;
    }
}

static void end_begun(struct list *events)
{
    struct list *link;

    for (link = events->next; link != events; link = link->next) {
        struct event *e = container_of(link, struct event, link);

        if (e->task != NULL)
            task_free(e->task);
        e->task = NULL;
        if (e->kind == EVENT_SOCKET)
            socket_event_ends(e);
    }
}

void object_log_socket(struct object *o, const struct event *e,
                       const char *text)
{
    const struct realm_config *config = &o->realm->config;

    if (e->kind == EVENT_SOCKET && !o->realm->is_closing)
        config->host->log(config->host_arg, o, LOG_ERROR, slice_of(text),
                          (struct slice){0}, (struct slice){0});
}

/* Take all events under way off the object, failed, without telling anybody
 * yet: their replies may reach back to this object. */
static void take_events(struct object *o, const struct object_reset *why,
                        struct list *failed)
{
    struct list queued;
    struct list *link;

    list_init(&queued);
    list_join(failed, &o->events);
    o->events_n = 0;
    end_begun(failed);
    if (why->queued_too)
        take_mail(o, &queued);
    else if (o->state == OBJECT_WAKING)
        take_first(o, &queued);
    for (link = queued.next; link != &queued; link = link->next) {
        struct event *e = container_of(link, struct event, link);

        if (e->kind == EVENT_SOCKET)
            socket_event_failed(e);
    }
    list_join(failed, &queued);
    for (link = failed->next; link != failed; link = link->next) {
        struct event *e = container_of(link, struct event, link);

        object_log_socket(o, e, why->text);
        event_fail(e, why->code == NULL ? "reset" : why->code, why->text,
                   why->retryable);
    }
}

static void drop_spawned(struct object *o)
{
    struct list *link;

    while ((link = list_shift(&o->spawned)) != NULL) {
        struct event *e = container_of(link, struct event, link);

        event_free(e);
    }
}

static void end_section(struct section *s)
{
    timer_stop(&s->timer);
    s->is_over = true;
    s->object = NULL;
    if (!s->has_begun)
        event_free(s->event);
    s->event = NULL;
}

static void drop_sections(struct object *o)
{
    struct list *link;

    for (struct section *s = o->section; s != NULL; s = s->parent)
        end_section(s);
    section_drop(o->section);
    o->section = NULL;
    while ((link = list_shift(&o->sections)) != NULL) {
        struct section *s = container_of(link, struct section, link);

        end_section(s);
        section_drop(s);
    }
}

static void drop_outbox(struct object *o, const struct error *failure)
{
    struct list dropped;
    struct list *link;

    list_init(&dropped);
    list_join(&dropped, &o->outbox);
    while ((link = list_shift(&dropped)) != NULL) {
        struct gate_item *item = container_of(link, struct gate_item, link);

        item->release(item, failure);
    }
}

/* Memory and database go; the mailbox stays. */
static void unload(struct object *o, bool discard)
{
    o->preempted = NULL;
    list_init(&o->ready);
    drop_spawned(o);
    drop_sections(o);
    timer_stop(&o->patience);
    sockets_unload(o);
    vm_free(o->vm); /* its userdata may still use the database */
    o->vm = NULL;
    o->script = NULL;
    o->keepalive = 0;
    code_drop(o->code);
    o->code = NULL;
    if (o->db != NULL)
        o->gated = discard ? 0 : db_gate(o->db);
    if (discard)
        db_discard(o->db);
    else
        db_close(o->db);
    o->db = NULL;
    o->state = OBJECT_ASLEEP;
}

void object_reset(struct object *o, const struct object_reset *why)
{
    uint64_t number = why->discard || o->db == NULL ? 0 : db_gate(o->db);
    struct error failure;
    struct list failed;
    struct list *link;

    error_set(&failure, why->retryable ? ERR_IO : ERR_RESET, "%s", why->text);
    list_init(&failed);
    take_events(o, why, &failed);
    drop_outbox(o, &failure);
    if (!why->keeps_sockets)
        sockets_reset(o);
    unload(o, why->discard);
    list_unlink(&o->idle_link);
    while ((link = list_shift(&failed)) != NULL) {
        struct event *e = container_of(link, struct event, link);

        gate_push(&o->realm->gate, &e->gate, number);
    }
    realm_schedule(o->realm, o);
}

void object_rest(struct object *o)
{
    /* What had a finalizer goes with the collection after the one that ran
     * it. */
    for (int i = 0; i < 2 && o->vm != NULL && vm_memory(o->vm) > REST_BYTES;
         i++)
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
        o == o->realm->router || !list_empty(&o->run_link))
        return false;
    if (o->cls != NULL)
        HASH_DEL(o->realm->objects, o);
    list_unlink(&o->router_link);
    free(o->name);
    free(o);
    return true;
}

void object_unload(struct object *o)
{
    list_unlink(&o->idle_link);
    unload(o, false);
}

int object_open_db(struct object *o, struct db **out, struct error *err)
{
    struct db_config config = {.client = o->realm->config.store,
                               .id = o->id,
                               .name = {o->name, o->name_n},
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
        if (o->preempted == e->task)
            o->preempted = NULL;
        task_free(e->task);
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
