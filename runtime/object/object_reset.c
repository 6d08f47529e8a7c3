/* object_reset.c - how an object loses what is in memory: by a reset, which
 * fails what is under way, or by being put to sleep. */
#include "base/must.h"
#include "object/firing.h"
#include "object/idle.h"
#include "object/object.h"
#include "object/socket.h"
#include "object/tap.h"
#include "object/target.h"
#include "store/db.h"
#include "vm/code.h"
#include "vm/task.h"
#include "vm/vm.h"

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
        if (e->kind == EVENT_ALARM && o->state != OBJECT_WAKING &&
            !o->realm->is_closing)
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
        else if (e->kind == EVENT_ALARM)
            firing_event_failed(o, &e->outcome);
    }
    list_join(failed, &queued);
    for (link = failed->next; link != failed; link = link->next) {
        struct event *e = container_of(link, struct event, link);

        object_log_socket(o, e, why->text);
        event_fail(e, why->code == NULL ? "reset" : why->code, why->text,
                   why->retryable);
        tap_event_ends(o, e);
    }
}

/* Somebody waits for one of `failed`, or it is logged by itself. */
static bool is_heard_of(const struct list *failed)
{
    for (struct list *link = failed->next; link != failed; link = link->next) {
        const struct event *e = container_of(link, struct event, link);

        if (e->reply != NULL || e->kind == EVENT_SOCKET ||
            e->kind == EVENT_ALARM)
            return true;
    }
    return false;
}

/* Without a caller (a task of the script's own has brought its object down, or
 * the caller's time was over before) nobody would ever learn why; and some
 * reasons are for the operator to know. */
static void log_unheard(struct object *o, const struct object_reset *why,
                        const struct list *failed)
{
    const struct realm_config *config = &o->realm->config;
    bool is_router = o->cls == NULL; /* its requests that fail are logged */
    bool is_heard = list_empty(failed) || is_heard_of(failed);
    struct buf text = {0};

    if (why->retryable || why->is_deletion || o->realm->is_closing ||
        (is_heard && (is_router || !why->is_logged)))
        return;
    buf_printf(&text, "the %s was reset: %s", is_router ? "router" : "object",
               why->text);
    config->host->log(config->host_arg, o, LOG_ERROR, buf_slice(&text),
                      (struct slice){0}, (struct slice){0});
    buf_fini(&text);
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
    o->has_let_in = false;
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
    struct list lost;

    list_init(&lost);
    target_end_all(o, &lost);
    o->preempted = NULL;
    list_init(&o->ready);
    drop_spawned(o);
    drop_sections(o);
    timer_stop(&o->patience);
    sockets_unload(o);
    o->cpu_ns += o->vm == NULL ? 0 : vm_cpu_ns(o->vm);
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
    o->held = 0;
    if (o->cls != NULL && o->state != OBJECT_ASLEEP)
        --*o->cls->awake;
    o->state = OBJECT_ASLEEP;
    o->since_ns = realm_now_ns(o->realm);
    target_fail(&lost);
}

void object_reset(struct object *o, const struct object_reset *why)
{
    uint64_t number = why->discard || o->db == NULL ? 0 : db_gate(o->db);
    struct error failure;
    struct list failed;
    struct list *link;

    if (!o->realm->is_closing)
        o->realm->counters.resets++;
    error_set(&failure, why->retryable ? ERR_IO : ERR_RESET, "%s", why->text);
    list_init(&failed);
    take_events(o, why, &failed);
    log_unheard(o, why, &failed);
    drop_outbox(o, &failure);
    if (why->is_deletion)
        sockets_forget(o);
    else if (!why->keeps_sockets)
        sockets_reset(o);
    unload(o, why->discard);
    idle_end(o);
    while ((link = list_shift(&failed)) != NULL) {
        struct event *e = container_of(link, struct event, link);

        gate_push(&o->realm->gate, &e->gate, number);
    }
    firing_reset(o, why);
    realm_schedule(o->realm, o);
}

void object_unload(struct object *o)
{
    idle_end(o);
    unload(o, false);
}
