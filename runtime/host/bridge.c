#include "host/bridge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/id.h"
#include "host/classes.h"
#include "host/fetches.h"
#include "host/links.h"
#include "host/node_parts.h"
#include "host/parcel.h"
#include "host/sockets.h"
#include "host/tails.h"
#include "host/tickets.h"
#include "object/chain.h"
#include "object/object.h"
#include "object/target.h"

/* ---- calls between objects ---- */

/* `l` takes `e` along. */
static void send_event(struct worker *w, struct worker *to, struct letter *l,
                       struct event *e)
{
    l->reply = e->reply;
    e->reply = NULL;
    l->event = e;
    parcel_request(w, to, l);
    worker_send(to, l);
}

static void send_call(struct worker *w, struct worker *to,
                      const struct object_class *cls, const struct oid *id,
                      struct slice name, struct event *e)
{
    struct letter *l = letter_new(LETTER_CALL, w);

    l->class_name = mem_dup(cls->name, strlen(cls->name));
    l->id = *id;
    if (name.n != 0) {
        l->name = mem_dup(name.p, name.n);
        l->name_n = name.n;
    }
    send_event(w, to, l, e);
}

static void call(void *host, const struct object_class *cls,
                 const struct oid *id, struct slice name, struct event *e)
{
    struct worker *w = host;
    struct worker *to = node_worker_of(w->node, id);

    if (to == w)
        realm_deliver(&w->realm, cls, id, name, e);
    else
        send_call(w, to, cls, id, name, e);
}

static void call_target(void *host, const struct target *t, struct event *e)
{
    struct worker *w = host;
    struct worker *to = t->host;

    e->target = t->number;
    e->has_oid = t->has_oid;
    e->oid = t->oid;
    if (to == w)
        target_deliver(&w->realm, e);
    else
        send_event(w, to, letter_new(LETTER_CALL, w), e);
}

static void chase(void *host, struct chase *c)
{
    struct worker *w = host;
    struct worker *to =
        c->home != NULL ? c->home : node_worker_of(w->node, &c->oid);

    if (to == w) {
        chain_arrive(&w->realm, c);
        return;
    }
    struct letter *l = letter_new(LETTER_CHASE, w);

    l->chase = c;
    worker_send(to, l);
}

void bridge_receive_chase(struct worker *w, struct letter *l)
{
    struct chase *c = l->chase;

    l->chase = NULL;
    if (w->realm.is_closing)
        chase_free(c);
    else
        chain_arrive(&w->realm, c);
}

/* Always by letter, as the reference may go in the midst of anything, also on
 * the home's own thread; behind the calls that were sent before. */
static void lost_target(void *host, uint64_t number)
{
    struct letter *l = letter_new(LETTER_TARGET, NULL);

    l->target = number;
    worker_send(host, l);
}

/* The way back of a call that came in a letter. */
struct way_back {
    struct reply reply;
    struct worker *here, *to;
    struct reply *origin;
};

static void on_answered(struct reply *r, struct outcome *o)
{
    struct way_back *b = container_of(r, struct way_back, reply);
    struct letter *l = letter_new(LETTER_REPLY, b->here);

    l->outcome = *o;
    *o = (struct outcome){0};
    l->reply = b->origin;
    parcel_response(b->here, b->to, l);
    worker_send(b->to, l);
    free(b);
}

void bridge_receive_call(struct worker *w, struct letter *l)
{
    struct way_back *b = mem_alloc(sizeof(*b));
    struct event *e = l->event;

    *b = (struct way_back){
        {on_answered, l->reply->number, l->from}, w, l->from, l->reply};
    l->event = NULL;
    parcel_open_request(w, l, e);
    e->reply = &b->reply;
    if (w->realm.is_closing) {
        event_fail(e, "reset", "the server is shutting down", true);
        event_finish(e);
        return;
    }
    if (l->class_name == NULL) {
        target_deliver(&w->realm, e);
        return;
    }
    realm_deliver(&w->realm, realm_class(&w->realm, l->class_name), &l->id,
                  (struct slice){l->name, l->name_n}, e);
}

void bridge_receive_reply(struct worker *w, struct letter *l)
{
    parcel_open_response(w, l);
    l->reply->done(l->reply, &l->outcome);
}

/* ---- log and keys ---- */

static void write_log(void *host, struct object *o, enum log_level level,
                      struct slice message, struct slice fields,
                      struct slice trace)
{
    struct worker *w = host;
    struct log_line line = {
        .level = level, .message = message, .fields = fields, .trace = trace};
    char hex[OID_HEX + 1];

    if (o != NULL && o->cls != NULL) {
        oid_to_hex(&o->id, hex);
        line.class_name = slice_of(o->cls->name);
        line.name = object_name(o);
        line.id = (struct slice){hex, OID_HEX};
    }
    logger_write(node_logger(w->node), &line);
    tails_log(w, o, &line);
}

static void event_over(void *host, struct object *o, const struct event *e,
                       const struct tap_cost *cost)
{
    tails_event(host, o, e, cost);
}

static void class_key(void *host, const char *name, uint8_t key[32])
{
    struct worker *w = host;
    struct buf unique = {0};

    classes_key(node_config(w->node), name, &unique);
    buf_add_byte(&unique, '\0');
    id_key(unique.p, key);
    buf_fini(&unique);
}

const struct host_ops bridge_host_ops = {.call = call,
                                         .call_target = call_target,
                                         .chase = chase,
                                         .target_lost = lost_target,
                                         .log = write_log,
                                         .event_over = event_over,
                                         .class_key = class_key,
                                         .ticket = tickets_new,
                                         .couple = links_couple,
                                         .connect = sockets_connect,
                                         .fetch = fetches_begin,
                                         .cancel_fetch = fetches_cancel};
