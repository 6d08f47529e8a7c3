#include "object/turn.h"

#include <string.h>

#include "base/must.h"
#include "object/agenda.h"
#include "object/event.h"
#include "object/firing.h"
#include "object/object.h"
#include "object/realm.h"
#include "object/recall.h"
#include "object/socket.h"
#include "object/tap.h"
#include "object/wake.h"
#include "store/db.h"
#include "vm/task.h"
#include "vm/vm.h"

/* ---- the end of a turn ---- */

/* The outbox leaves the object: from here on the gate decides. */
static void send_outbox(struct object *o)
{
    struct list sent;
    struct list *link;

    list_init(&sent);
    list_join(&sent, &o->outbox);
    while ((link = list_shift(&sent)) != NULL) {
        struct gate_item *item = container_of(link, struct gate_item, link);

        gate_push(&o->realm->gate, item, object_gate_number(o, item));
    }
}

/* The state is dying; vm_death says why. */
static void end_killed(struct object *o)
{
    struct error why;

    error_set(&why, ERR_RESET, "%s", vm_death_text(o->vm));
    o->running = NULL;
    object_reset(
        o, &(struct object_reset){.text = why.text,
                                  .retryable = o->is_disk_failed,
                                  .is_logged = vm_death(o->vm) != VM_ABORTED});
    o->is_disk_failed = false;
}

/* A script's coroutine that yielded inside storage:transaction has left it
 * half done. */
static void undo_open_transactions(struct object *o)
{
    if (o->db == NULL || db_savepoint_depth(o->db) == 0)
        return;
    while (db_savepoint_depth(o->db) > 0) {
        if (db_savepoint_undo(o->db, NULL) != 0)
            break;
    }
    task_forbid_wait(o->vm, NULL);
}

static void end_turn(struct object *o)
{
    struct error err;
    bool is_dirty;

    o->realm->counters.turns++;
    o->running = NULL;
    undo_open_transactions(o);
    is_dirty = o->db != NULL && db_is_dirty(o->db);
    if (is_dirty) {
        int rc = db_commit(o->db, &err);

        o->realm->now_ns = 0; /* on nobody's account */
        if (rc != 0) {
            bool is_own = object_is_own_fault(rc);

            object_reset(o, &(struct object_reset){.text = err.text,
                                                   .retryable = !is_own,
                                                   .is_logged = is_own});
            return;
        }
    }
    send_outbox(o);
    if (is_dirty || o->firing != NULL)
        firing_turn_ended(o, is_dirty);
    /* The end of the event that failed may have been the state's own. */
    if (vm_death(o->vm) != VM_ALIVE)
        end_killed(o);
}

/* ---- the end of an event ---- */

/* An error takes nothing back of what was written, as in any handler. */
static void end_failed_init(struct object *o, struct event *e)
{
    end_turn(o);
    if (o->state == OBJECT_WAKING) { /* not reset by that */
        wake_fail_first(o, &e->outcome);
        o->state = OBJECT_AWAKE; /* its event has failed already */
        object_reset(o, &(struct object_reset){.text = "init failed",
                                               .keeps_sockets = true});
    }
    event_free(e);
}

static void end_init(struct object *o, struct event *e)
{
    if (e->outcome.kind == OUTCOME_FAILURE) {
        end_failed_init(o, e);
        return;
    }
    o->state = OBJECT_AWAKE;
    event_free(e);
    end_turn(o);
}

/* What the callers of an object that is reset by `f` get as a code: what a
 * script can tell apart of the reasons is a deadlock. */
static const char *code_after(const struct failure *f)
{
    bool is_deadlock = f->code != NULL && strcmp(f->code, "deadlock") == 0;

    return is_deadlock ? f->code : NULL;
}

static void end_block(struct object *o, struct event *e)
{
    if (e->outcome.kind == OUTCOME_FAILURE) {
        struct failure *f = e->outcome.failure;

        buf_add_byte(&f->message, '\0');
        o->running = NULL;
        object_reset(o, &(struct object_reset){.code = code_after(f),
                                               .text = f->message.p,
                                               .queued_too = true});
    } else {
        end_turn(o);
    }
    event_free(e);
}

/* What the alarm has come to belongs to the handler's last transaction. */
static void end_alarm(struct object *o, struct event *e)
{
    undo_open_transactions(o);
    if (firing_end(o, &e->outcome))
        end_turn(o);
    event_free(e);
}

static void end_event(struct object *o, struct task *t)
{
    struct event *e = t->owner;
    struct section *own =
        o->section != NULL && o->section->event == e ? o->section : NULL;

    o->realm->config.script->finish(t, e);
    tap_event_ends(o, e);
    task_free(t);
    e->task = NULL;
    list_unlink(&e->link);
    o->events_n--;
    if (own != NULL)
        section_close(o, own);
    if (e->kind == EVENT_INIT) {
        end_init(o, e);
    } else if (own != NULL) {
        end_block(o, e);
    } else if (e->kind == EVENT_SOCKET) {
        socket_event_ends(e);
        event_free(e);
        end_turn(o);
    } else if (e->kind == EVENT_ALARM) {
        end_alarm(o, e);
    } else {
        if (e->outcome.kind == OUTCOME_FAILURE && e->has_oid)
            oid_to_hex(&e->oid, e->outcome.failure->object_id);
        list_push(&o->outbox, &e->gate.link);
        end_turn(o);
    }
}

static void run_task(struct object *o, struct task *t)
{
    struct realm *r = o->realm;

    o->running = t;
    r->caller = o->cls == NULL ? o : NULL;
    t->now_ns = r->now_ns;
    tap_run_begins(o, t->owner);
    enum task_status status = task_resume(t);
    tap_run_ends(o, t->owner);
    r->now_ns = t->now_ns;
    r->caller = NULL;
    switch (status) {
    case TASK_PREEMPTED:
        o->running = NULL;
        o->preempted = t;
        break;
    case TASK_DONE:
    case TASK_FAILED:
        end_event(o, t);
        break;
    case TASK_KILLED:
        end_killed(o);
        break;
    default: /* it waits, and may be ready again already */
        end_turn(o);
        break;
    }
}

/* ---- the beginning of an event ---- */

static void begin(struct object *o, struct event *e)
{
    list_push(&o->events, &e->link);
    o->events_n++;
    e->began_ns = realm_now_ns(o->realm);
    if (e->kind == EVENT_SOCKET)
        socket_event_begins(e);
    if (task_new(o->vm, o->realm->config.script->entry, e, turn_task_ready, e,
                 &e->task) != 0) {
        vm_kill(o->vm, VM_MEMORY, "memory limit exceeded");
        end_killed(o);
        return;
    }
    run_task(o, e->task);
}

/* `s` becomes the innermost section; the caller's reference is taken over. */
static void enter(struct object *o, struct section *s)
{
    struct event *e = s->event;

    section_drop(o->section);
    o->section = s;
    section_begin(s);
    begin(o, e);
}

static void wake(struct object *o)
{
    if (!wake_open(o) || !o->realm->config.script->has_init(o))
        return;
    o->state = OBJECT_WAKING;
    struct section *s = section_new(o, NULL, event_new(EVENT_INIT));

    s->depth = 0; /* does not count among blockConcurrencyWhile's 64 */
    s->event->section = section_hold(s);
    s->event->oid = o->id;
    s->event->has_oid = o->cls != NULL;
    enter(o, s);
}

/* ---- what comes next ---- */

static void begin_mail(struct object *o, struct event *e)
{
    list_unlink(&e->link);
    o->mailbox_n--;
    if (e->kind != EVENT_ALARM)
        o->woken_by_alarm = false;
    else if (!firing_begin(o)) {
        event_free(e);
        if (o->vm != NULL)
            end_turn(o);
        return;
    }
    begin(o, e);
}

static void go_on(struct object *o, struct task *t)
{
    o->preempted = NULL;
    list_unlink(&t->link);
    run_task(o, t);
}

static bool enter_next(struct object *o)
{
    struct section *s = agenda_section(o);

    if (s == NULL)
        return false;
    list_unlink(&s->link);
    enter(o, s);
    return true;
}

static void step(struct object *o)
{
    if (o->preempted != NULL) {
        go_on(o, o->preempted);
        return;
    }
    if (enter_next(o))
        return;
    struct next next;

    agenda_next(o, &next);
    if (next.ready != NULL) {
        go_on(o, next.ready);
    } else if (next.mail != NULL) {
        begin_mail(o, next.mail);
    } else if (next.spawned != NULL) {
        list_unlink(&next.spawned->link);
        begin(o, next.spawned);
    }
}

bool turn_run(struct object *o)
{
    if (o->section != NULL && o->section->is_suspect)
        section_look(o->section);
    if (object_is_stale(o) && o->events_n == 0)
        object_unload(o);
    if (o->state == OBJECT_ASLEEP) {
        if (o->mailbox_n == 0 || recall_begin(o))
            return false;
        wake(o);
    } else {
        step(o);
    }
    return agenda_has_more(o);
}

bool turn_begin_call(struct object *o)
{
    struct realm *r = o->realm;

    if (r->caller != o || !list_empty(&o->outbox))
        return false;
    r->caller = NULL;
    r->calling = o;
    return true;
}

void turn_end_call(struct object *o)
{
    o->realm->calling = NULL;
}

void turn_task_ready(struct task *t)
{
    struct object *o = vm_owner(t->vm);
    struct event *e = t->owner;

    e->order = o->realm->order++;
    list_unlink(&t->link);
    list_push(&o->ready, &t->link);
    realm_schedule(o->realm, o);
}
