#include "object/recall.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/chore.h"
#include "object/object.h"
#include "object/wake.h"
#include "store/history.h"

enum recall_step {
    RECALL_SETTLING,
    RECALL_READING,
    RECALL_LASTING,
    RECALL_DISARMING
};

/* Owns itself until the gate or the pool has given it back. */
struct recall {
    enum recall_step step;
    struct object *object; /* NULL: the realm closes */
    bool is_void;          /* what it has become in the meantime is to stay */
    bool has_gone_back;
    struct list told; /* gate items of those who made it so */
    struct gate_item gate;
    struct chore chore;
    /* For the thread. */
    struct store *store;
    struct oid id;
    struct history_image *image; /* owned */
    int rc;
    struct error why;
};

static void start_thread(struct recall *r, enum recall_step step);

/* ---- the end ---- */

static void recall_free(struct recall *r)
{
    history_image_free(r->image);
    free(r);
}

/* It is over, one way or the other: the object is as any other again. */
static void leave(struct recall *r)
{
    r->object->recall = NULL;
    realm_schedule(r->object->realm, r->object);
}

/* `failure` NULL: it has worked; then their own commits may have to wait. */
static void tell(struct list *told, struct gate *g, const struct error *failure)
{
    struct list *link;

    while ((link = list_shift(told)) != NULL) {
        struct gate_item *item = container_of(link, struct gate_item, link);

        if (failure == NULL)
            gate_push(g, item, item->number);
        else
            item->release(item, failure);
    }
}

static void log_line(struct recall *r, enum log_level level, const char *text)
{
    const struct realm_config *config = &r->object->realm->config;

    config->host->log(config->host_arg, r->object, level, slice_of(text),
                      (struct slice){0}, (struct slice){0});
}

static void finish(struct recall *r)
{
    if (r->has_gone_back && !r->is_void)
        log_line(r, LOG_INFO, "the object went back to its bookmark");
    leave(r);
    tell(&r->told, &r->object->realm->gate, NULL);
    recall_free(r);
}

/* It stays armed: the next event tries again. */
static void put_off(struct recall *r, const struct error *why)
{
    struct error text;

    error_set(&text, why->code, "the object cannot go back to its bookmark: %s",
              why->text);
    leave(r);
    wake_put_off(r->object, text.text);
    tell(&r->told, &r->object->realm->gate, why);
    recall_free(r);
}

/* There is nothing to go back to, and never will be. */
static bool is_final(int rc)
{
    return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_INVALID ||
           rc == ERR_LIMIT;
}

static void give_up(struct recall *r, const struct error *why)
{
    struct error text;

    error_set(&text, why->code,
              "the object does not go back to its bookmark, and goes on as it "
              "was: %s",
              why->text);
    log_line(r, LOG_ERROR, text.text);
    start_thread(r, RECALL_DISARMING);
}

/* ---- waiting for the log ---- */

static void on_durable(struct gate_item *item, const struct error *failure)
{
    struct recall *r = container_of(item, struct recall, gate);

    if (r->object == NULL)
        recall_free(r);
    else if (failure != NULL)
        put_off(r, failure);
    else
        start_thread(r, r->step == RECALL_SETTLING ? RECALL_READING
                                                   : RECALL_DISARMING);
}

static void wait_durable(struct recall *r, enum recall_step step,
                         uint64_t number)
{
    r->step = step;
    gate_push(&r->object->realm->gate, &r->gate, number);
}

/* ---- going back ---- */

static void restore(struct recall *r)
{
    struct object *o = r->object;
    struct error err = {0};
    struct history_restored now;
    int rc = history_restore(o->realm->config.store, o->cls->name, &o->id,
                             r->image, &now, &err);

    history_image_free(r->image);
    r->image = NULL;
    if (rc != 0 && is_final(rc)) {
        give_up(r, &err);
        return;
    }
    if (rc != 0) {
        put_off(r, &err);
        return;
    }
    /* It may have had no name then. */
    o->is_name_stored = false;
    o->next_alarm = now.next_alarm;
    scheduler_note(&o->realm->scheduler, o->cls, &o->id, now.next_alarm);
    r->has_gone_back = true;
    wait_durable(r, RECALL_LASTING, now.number);
}

/* ---- on a thread ---- */

static void run(struct chore *c)
{
    struct recall *r = container_of(c, struct recall, chore);

    if (r->step == RECALL_READING)
        r->rc = history_read(r->store, &r->id, &r->image, &r->why);
    else
        r->rc = history_disarm(r->store, &r->id, &r->why);
}

static void has_read(struct recall *r)
{
    if (r->is_void)
        wait_durable(r, RECALL_LASTING,
                     store_commit_of(r->object->realm->config.store, &r->id));
    else if (r->rc == 0)
        restore(r);
    else if (is_final(r->rc))
        give_up(r, &r->why);
    else
        put_off(r, &r->why);
}

static void done(struct chore *c, int status)
{
    struct recall *r = container_of(c, struct recall, chore);

    if (r->object == NULL || status != 0)
        recall_free(r);
    else if (r->step == RECALL_READING)
        has_read(r);
    else if (r->rc == 0)
        finish(r);
    else
        put_off(r, &r->why);
}

static void start_thread(struct recall *r, enum recall_step step)
{
    r->step = step;
    r->chore.run = run;
    r->chore.done = done;
    chore_start(r->object->realm, &r->chore);
}

/* ---- the beginning ---- */

static struct recall *recall_new(struct object *o)
{
    struct recall *r = mem_zalloc(sizeof(*r));

    r->object = o;
    r->store = history_store(o->realm->config.store);
    r->id = o->id;
    r->gate.release = on_durable;
    list_init(&r->gate.link);
    list_init(&r->told);
    o->recall = r;
    return r;
}

bool recall_begin(struct object *o)
{
    struct store_client *c = o->realm->config.store;

    if (o->recall != NULL)
        return true;
    if (o->cls == NULL || !history_is_armed(history_store(c), &o->id))
        return false;
    wait_durable(recall_new(o), RECALL_SETTLING, store_commit_of(c, &o->id));
    return true;
}

/* ---- somebody else ---- */

void recall_forget(struct realm *realm, const struct object_class *cls,
                   const struct oid *id, uint64_t number,
                   struct gate_item *item)
{
    struct object *o = realm_find(realm, id);
    bool has_begun = o != NULL && o->recall != NULL;

    if (!has_begun &&
        !history_is_armed(history_store(realm->config.store), id)) {
        gate_push(&realm->gate, item, number);
        return;
    }
    o = realm_object(realm, cls, id, (struct slice){0});
    struct recall *r = has_begun ? o->recall : recall_new(o);

    r->is_void = true;
    item->number = number;
    list_push(&r->told, &item->link);
    if (!has_begun)
        wait_durable(r, RECALL_LASTING, number);
}

void recall_part(struct object *o)
{
    struct recall *r = o->recall;
    struct error ended;

    if (r == NULL)
        return;
    error_set(&ended, ERR_IO, "the server is shutting down");
    tell(&r->told, &o->realm->gate, &ended);
    r->object = NULL;
    o->recall = NULL;
}
