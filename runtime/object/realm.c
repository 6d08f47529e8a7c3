#include "object/realm.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/agenda.h"
#include "object/chore.h"
#include "object/event.h"
#include "object/idle.h"
#include "object/object.h"
#include "object/recall.h"
#include "object/socket.h"
#include "object/target.h"
#include "object/turn.h"
#include "store/db.h"
#include "vm/code.h"
#include "vm/task.h"
#include "vm/vm.h"

enum {
    LARGE_EVENT = 64 * 1024,
    MAILBOX_BYTES_MAX = 64 * 1024 * 1024,
};

void realm_init(struct realm *r, const struct realm_config *config)
{
    *r = (struct realm){.config = *config, .version = 1};
    code_hold(r->config.code);
    list_init(&r->run_queue);
    list_init(&r->idle);
    list_init(&r->resting);
    list_init(&r->routers);
    list_init(&r->chores);
    gate_init(&r->gate);
    timers_init(&r->timers, config->loop, config->clock);
    expiries_init(&r->expiries, &r->timers, config->limits.call_ns);
    scheduler_init(&r->scheduler, r, &config->alarms);
}

/* ---- classes and objects ---- */

struct object_class *realm_class(struct realm *r, const char *name)
{
    struct object_class *c = NULL;

    HASH_FIND_STR(r->classes, name, c);
    if (c != NULL)
        return c;
    c = mem_zalloc(sizeof(*c));
    c->name = mem_dup(name, strlen(name));
    c->awake = mem_zalloc(sizeof(*c->awake));
    r->config.host->class_key(r->config.host_arg, name, c->key);
    HASH_ADD_KEYPTR(hh, r->classes, c->name, strlen(c->name), c);
    return c;
}

/* Ids are hashes already; workers are chosen by the low bits. */
static unsigned hash_of(const struct oid *id)
{
    return (unsigned)(oid_hash(id) >> 32);
}

struct object *realm_find(struct realm *r, const struct oid *id)
{
    struct object *o = NULL;

    HASH_FIND_BYHASHVALUE(hh, r->objects, id, sizeof(*id), hash_of(id), o);
    return o;
}

struct object *realm_object(struct realm *r, const struct object_class *cls,
                            const struct oid *id, struct slice name)
{
    struct object *o = realm_find(r, id);

    if (o == NULL) {
        o = object_new(r, cls, id, name);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, r->objects, &o->id, sizeof(*id),
                                    hash_of(id), o);
    }
    if (o->name == NULL && name.n != 0) {
        o->name = mem_dup(name.p, name.n);
        o->name_n = name.n;
    }
    return o;
}

void realm_schedule(struct realm *r, struct object *o)
{
    idle_end(o);
    if (list_empty(&o->run_link))
        list_push(&r->run_queue, &o->run_link);
}

void realm_push(struct object *o, struct event *e)
{
    e->order = o->realm->order++;
    list_push(&o->mailbox, &e->link);
    o->mailbox_n++;
    if (o->section != NULL && e->reply != NULL)
        section_suspect(o->section);
    realm_schedule(o->realm, o);
}

static void run_turn(struct realm *r, struct object *o);

/* The caller's task stands still below the turn. */
static void run_called(struct realm *r, struct object *o)
{
    struct task *t = r->calling->running;

    r->calling = NULL;
    if (!agenda_is_free(o))
        return;
    task_unmeter(t);
    r->now_ns = t->now_ns;
    list_unlink(&o->run_link);
    run_turn(r, o);
    t->now_ns = r->now_ns;
    task_meter(t);
}

void realm_deliver(struct realm *r, const struct object_class *cls,
                   const struct oid *id, struct slice name, struct event *e)
{
    struct object *o = realm_object(r, cls, id, name);

    e->oid = *id;
    e->has_oid = true;
    realm_deliver_to(o, e);
}

/* Large events are bounded by their bytes; of small ones there are few enough
 * by their number. */
static bool has_room(const struct object *o, const struct event *e)
{
    size_t n = event_bytes(e);

    if (n < LARGE_EVENT || o->mailbox_n == 0)
        return true;
    for (struct list *l = o->mailbox.next; l != &o->mailbox; l = l->next)
        n += event_bytes(container_of(l, struct event, link));
    return n <= MAILBOX_BYTES_MAX;
}

static void refuse(struct realm *r, struct event *e, const char *text)
{
    r->counters.overloaded++;
    event_fail(e, "overloaded", text, false);
    event_finish(e);
}

void realm_deliver_to(struct object *o, struct event *e)
{
    struct realm *r = o->realm;

    if (!has_room(o, e)) {
        refuse(r, e, "Durable Object is overloaded. Too much data queued.");
        return;
    }
    if (o->mailbox_n < r->config.limits.mailbox) {
        realm_push(o, e);
        if (r->calling != NULL)
            run_called(r, o);
        return;
    }
    refuse(r, e, "Durable Object is overloaded. Too many requests queued.");
}

void realm_route(struct realm *r, struct event *e)
{
    if (r->router == NULL)
        r->router = object_new(r, NULL, NULL, (struct slice){0});
    realm_push(r->router, e);
}

bool realm_unroute(struct realm *r, struct event *e)
{
    /* In no list: it has ended and waits for the gate. */
    if (e->task != NULL || list_empty(&e->link))
        return false;
    r->router->mailbox_n--;
    event_free(e);
    return true;
}

void realm_rest(struct realm *r)
{
    struct object *o = r->router;

    if (o == NULL || o->vm == NULL || !object_is_idle(o))
        return;
    task_drop_idle(o->vm);
    object_rest(o);
    /* What had a finalizer goes with the second. */
    vm_collect(o->vm);
    vm_collect(o->vm);
}

void realm_trim(struct realm *r)
{
    TABLE_TRIM(hh, r->objects);
    targets_trim(r);
    sockets_trim_all(r);
    timers_trim(&r->timers);
    store_trim(r->config.store);
}

/* ---- running ---- */

/* `o` is out of the run queue and may be gone afterwards. */
static void run_turn(struct realm *r, struct object *o)
{
    if (turn_run(o))
        realm_schedule(r, o);
    else if (list_empty(&o->run_link))
        idle_settle(o);
}

bool realm_run(struct realm *r, uint64_t budget_ns)
{
    bool is_virtual = r->config.clock->is_virtual;
    uint64_t start = clock_mono_ns(r->config.clock);
    uint64_t turns = 0;
    struct list *link;

    r->now_ns = is_virtual ? 0 : start;
    while ((link = list_shift(&r->run_queue)) != NULL) {
        run_turn(r, container_of(link, struct object, run_link));
        turns++;
        if ((is_virtual ? turns : realm_now_ns(r) - start) > budget_ns)
            break;
    }
    r->now_ns = 0;
    return !list_empty(&r->run_queue);
}

/* ---- the store's reports ---- */

static void reset_failed(struct realm *r, const struct store_report *report)
{
    struct object_reset why = {
        .text = report->error.text, .retryable = true, .discard = true};
    struct object *o;
    struct object *next;

    HASH_ITER(hh, r->objects, o, next)
    {
        if (o->db != NULL && db_last_commit(o->db) > report->durable)
            object_reset(o, &why);
    }
    gate_fail(&r->gate, &report->error);
    store_resume(r->config.store);
    scheduler_disk_failed(&r->scheduler);
}

void realm_poll_store(struct realm *r)
{
    struct store_report report;

    store_poll(r->config.store, &report);
    gate_open(&r->gate, report.durable);
    if (report.failed)
        reset_failed(r, &report);
    scheduler_go_on(&r->scheduler);
}

/* ---- the end ---- */

size_t realm_busy(const struct realm *r)
{
    size_t busy =
        r->router == NULL ? 0 : r->router->events_n + r->router->mailbox_n;

    for (const struct object *o = r->objects; o != NULL; o = o->hh.next)
        busy += o->events_n + o->mailbox_n;
    return busy + (list_empty(&r->gate.items) ? 0 : 1);
}

static void end_object(struct realm *r, struct object *o)
{
    object_reset(o, &(struct object_reset){.text = "the server is shutting "
                                                   "down",
                                           .retryable = true,
                                           .queued_too = true});
    recall_part(o);
    list_unlink(&o->run_link);
    if (o == r->router)
        r->router = NULL;
    MUST(object_free_if_done(o));
}

void realm_drop_classes(struct realm *r)
{
    struct object_class *c;
    struct object_class *next;

    HASH_ITER(hh, r->classes, c, next)
    {
        HASH_DEL(r->classes, c);
        free(c->name);
        free(c->awake);
        free(c->ids);
        free(c);
    }
}

void realm_close(struct realm *r, void (*closed)(void *arg), void *arg)
{
    struct error ended;
    struct object *o;
    struct object *next;

    r->is_closing = true;
    error_set(&ended, ERR_IO, "the server is shutting down");
    scheduler_close(&r->scheduler);
    if (r->router != NULL)
        end_object(r, r->router);
    while (!list_empty(&r->routers))
        end_object(r,
                   container_of(r->routers.next, struct object, router_link));
    HASH_ITER(hh, r->objects, o, next)
    end_object(r, o);
    gate_fail(&r->gate, &ended);
    chore_close(r);
    departed_fini(&r->departed);
    realm_drop_classes(r);
    code_drop(r->config.code);
    timers_close(&r->timers, closed, arg);
}
