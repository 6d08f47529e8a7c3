#include "object/firing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "object/event.h"
#include "object/object.h"
#include "object/realm.h"
#include "store/alarm.h"
#include "store/db.h"
#include "store/directory.h"

enum {
    HANDLER_MS = 15 * 60 * 1000,
    LATE_MS = 1000,
    SHOWN_MAX = 100, /* bytes of a name in a log line */
    STEPS_MAX = 100  /* alarms of one event that are passed over */
};

static const char too_long[] =
    "Durable Object's alarm handler exceeded its time limit of 15 minutes. The "
    "handler was canceled and the Durable Object was reset.";

static struct scheduler *scheduler_of(const struct object *o)
{
    return &o->realm->scheduler;
}

static int64_t now_of(const struct object *o)
{
    return clock_wall_ms(o->realm->config.clock);
}

/* ---- log lines ---- */

static void log_text(struct object *o, struct slice text)
{
    const struct realm_config *config = &o->realm->config;

    config->host->log(config->host_arg, o, LOG_ERROR, text, (struct slice){0},
                      (struct slice){0});
}

/* alarm 'name' <what><text> */
static void log_end(struct object *o, const struct firing *f, const char *what,
                    struct slice text)
{
    struct slice name = buf_slice(&f->name);
    struct buf line = {0};

    buf_printf(&line, "alarm '%.*s' %s",
               (int)(name.n < SHOWN_MAX ? name.n : SHOWN_MAX),
               name.p == NULL ? "" : name.p, what);
    buf_add_slice(&line, text);
    log_text(o, buf_slice(&line));
    buf_fini(&line);
}

static void log_given_up(struct object *o, const struct firing *f,
                         struct slice text)
{
    char what[64] = "was given up: ";

    o->realm->counters.alarms_dead++;

    if (f->retries >= ALARM_RETRIES)
        snprintf(what, sizeof(what),
                 "was given up after %d retries: ", f->retries);
    log_end(o, f, what, text);
}

/* ---- its life ---- */

void firing_push(struct object *o, unsigned trouble)
{
    struct firing *f = mem_zalloc(sizeof(*f));
    struct event *e = event_new(EVENT_ALARM);

    MUST(o->firing == NULL);
    f->object = o;
    f->trouble = trouble;
    o->firing = f;
    e->oid = o->id;
    e->has_oid = true;
    realm_push(o, e);
}

static void detach(struct object *o)
{
    struct firing *f = o->firing;

    timer_stop(&f->timer);
    o->firing = NULL;
    if (f->state == FIRING_QUEUED || f->state == FIRING_FAILED)
        scheduler_begun(scheduler_of(o));
    scheduler_ended(scheduler_of(o));
}

static void firing_free(struct firing *f)
{
    buf_fini(&f->name);
    buf_fini(&f->payload);
    buf_fini(&f->failure);
    free(f);
}

void firing_drop(struct object *o)
{
    struct firing *f = o->firing;

    if (f == NULL)
        return;
    detach(o);
    firing_free(f);
}

void firing_give_up(struct object *o)
{
    if (o->firing != NULL && o->firing->state == FIRING_BEGUN)
        o->firing->gives_up = true;
}

bool firing_is(const struct object *o, struct slice name, int64_t generation)
{
    const struct firing *f = o->firing;

    return f != NULL && f->state == FIRING_BEGUN &&
           f->generation == generation && slice_eq(buf_slice(&f->name), name);
}

/* ---- the beginning ---- */

static void on_too_long(struct timer *t)
{
    struct firing *f = container_of(t, struct firing, timer);

    object_reset(f->object, &(struct object_reset){.text = too_long});
}

static void take(struct firing *f, const struct alarm *a)
{
    f->name.n = f->payload.n = 0;
    buf_add_slice(&f->name, a->name);
    buf_add_slice(&f->payload, a->payload);
    f->generation = a->generation;
    f->time = a->time;
    f->retries = a->retries;
}

/* Nothing of `o` is due: who said so shall know better. */
static void correct(const struct object *o, int64_t next)
{
    struct directory *d = scheduler_of(o)->config.directory;
    struct directory_entry e = {
        .class_name = slice_of(o->cls->name), .id = o->id, .next_alarm = next};

    if (d != NULL)
        directory_note(d, &e,
                       db_exists(o->db) ? DIRECTORY_ALARM : DIRECTORY_GONE);
}

/* 1: `a` is to be handled, `f` has it; 0: it was passed over. */
static int consider(struct object *o, struct firing *f, const struct alarm *a,
                    struct error *err)
{
    int rc = alarm_catch_up(o->db, a, now_of(o),
                            scheduler_of(o)->config.up_since, err);

    if (rc != 1)
        return rc;
    take(f, a);
    if (now_of(o) - a->due > LATE_MS)
        o->realm->counters.alarms_late++;
    if (o->realm->config.script->has_alarm(o))
        return 1;
    log_end(o, f, "was dropped: its class has no alarm handler",
            (struct slice){0});
    rc = alarm_delete(o->db, buf_slice(&f->name), err);
    return rc < 0 ? rc : 0;
}

/* 1: there is an alarm to be handled, `f` has it; 0: none is due. */
static int look(struct object *o, struct firing *f, struct error *err)
{
    struct alarm a;
    struct db *db;
    int rc = object_open_db(o, &db, err);

    for (int i = 0; rc == 0 && i < STEPS_MAX; i++) {
        rc = alarm_first(db, &a, err);
        if (rc == 1 && a.due <= now_of(o)) {
            rc = consider(o, f, &a, err);
            continue;
        }
        if (rc >= 0 && i == 0)
            correct(o, rc == 0 ? 0 : a.due);
        return rc < 0 ? rc : 0;
    }
    return rc;
}

bool firing_begin(struct object *o)
{
    struct firing *f = o->firing;
    struct error err;

    f->state = FIRING_BEGUN;
    scheduler_begun(scheduler_of(o));
    int rc = look(o, f, &err);
    if (rc == 1)
        timer_start(&o->realm->timers, &f->timer, HANDLER_MS, on_too_long);
    else if (rc == 0)
        f->state = FIRING_ENDED;
    else
        object_reset(
            o, &(struct object_reset){.text = err.text, .retryable = true});
    return rc == 1;
}

/* ---- the end ---- */

static int write_failure(struct object *o, const struct firing *f,
                         const struct alarm *a, struct slice text,
                         struct error *err)
{
    const struct alarm_failure how = {text, f->gives_up};
    int rc =
        alarm_failed(o->db, a, now_of(o), &how, o->realm->config.random, err);

    if (rc == 2)
        log_given_up(o, f, text);
    return rc;
}

bool firing_end(struct object *o, const struct outcome *outcome)
{
    struct firing *f = o->firing;
    struct alarm a = {.name = buf_slice(&f->name), .generation = f->generation};
    struct error err;
    int rc;

    timer_stop(&f->timer);
    if (outcome->kind == OUTCOME_FAILURE)
        rc = write_failure(o, f, &a, buf_slice(&outcome->failure->message),
                           &err);
    else
        rc = alarm_done(o->db, &a, now_of(o), &err);
    f->state = FIRING_ENDED;
    if (rc >= 0)
        return true;
    object_reset(o,
                 &(struct object_reset){.text = err.text, .retryable = true});
    return false;
}

static void note_next(struct object *o, int64_t next)
{
    o->next_alarm = next;
    scheduler_note(scheduler_of(o), o->cls, &o->id, next);
}

void firing_turn_ended(struct object *o, bool committed)
{
    bool has_ended = o->firing != NULL && o->firing->state == FIRING_ENDED;

    if (has_ended)
        firing_drop(o);
    if (o->firing != NULL || o->db == NULL || (!has_ended && !committed))
        return;
    int64_t next = alarm_next(o->db);

    if (next >= 0 && (has_ended || next != o->next_alarm))
        note_next(o, next);
}

/* ---- failure ---- */

void firing_event_failed(struct object *o, const struct outcome *outcome)
{
    struct firing *f = o->firing;

    f->state = FIRING_FAILED;
    if (outcome->kind != OUTCOME_FAILURE)
        return;
    f->failure.n = 0;
    buf_add_slice(&f->failure, buf_slice(&outcome->failure->message));
    /* What init fails with is logged where that ends. */
    f->is_logged = o->state == OBJECT_WAKING;
}

/* The alarm that failed, to `*a`; of an event that never began it is the one
 * that it would have been for. */
static int find_failed(struct object *o, struct firing *f, struct alarm *a,
                       struct error *err)
{
    if (f->state != FIRING_FAILED) {
        *a = (struct alarm){.name = buf_slice(&f->name),
                            .generation = f->generation};
        return 1;
    }
    int rc = alarm_first(o->db, a, err);

    if (rc != 1 || a->due > now_of(o))
        return rc < 0 ? rc : 0;
    take(f, a);
    a->name = buf_slice(&f->name);
    return 1;
}

/* Write that it failed, in a transaction of its own; `*next` becomes the
 * object's next alarm. */
static int record(struct object *o, struct firing *f, struct slice text,
                  int64_t *next)
{
    struct error err;
    struct alarm a;
    struct db *db;
    int rc = object_open_db(o, &db, &err);

    if (rc != 0)
        return rc;
    rc = find_failed(o, f, &a, &err);
    if (rc == 1)
        rc = write_failure(o, f, &a, text, &err);
    if (rc >= 0)
        rc = db_commit(db, &err);
    if (rc == 0)
        *next = alarm_next(db);
    o->gated = db_gate(db);
    db_close(db);
    o->db = NULL;
    return rc < 0 ? rc : 0;
}

void firing_reset(struct object *o, const struct object_reset *why)
{
    struct firing *f = o->firing;
    int64_t next = -1;

    if (f == NULL || f->state == FIRING_QUEUED)
        return;
    if (o->realm->is_closing || why->is_deletion) {
        firing_drop(o);
        return;
    }
    struct slice text =
        f->failure.n != 0 ? buf_slice(&f->failure) : slice_of(why->text);
    bool counts = !why->retryable && !why->discard;

    if (!f->is_logged)
        log_text(o, text);
    if (counts && record(o, f, text, &next) != 0)
        next = -1;
    detach(o);
    if (next >= 0)
        note_next(o, next);
    else
        scheduler_hold(scheduler_of(o), o->cls, &o->id, f->trouble);
    firing_free(f);
}
