#include "object/chain.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/label.h"
#include "object/object.h"
#include "vm/task.h"

/* So many events one chase looks at, whatever branches it finds. */
enum { BUDGET = 512 };

static const char canceled[] =
    "canceled before it began: the request or task that it was made for has "
    "ended";
static const char late[] = "not begun before its deadline";

static void visit(struct object *o, struct event *e, struct chase *c);

static bool is_mail(const struct event *e)
{
    return e->task == NULL && (e->kind == EVENT_CALL || e->kind == EVENT_FETCH);
}

void chase_free(struct chase *c)
{
    if (c == NULL)
        return;
    buf_fini(&c->path);
    free(c);
}

/* ---- from an event to what it waits for ---- */

/* A copy of `from` goes where the call went. */
static void send_on(struct realm *r, const struct waited *call,
                    const struct chase *from, uint32_t budget)
{
    const struct target *t = call->target;
    struct chase *c = mem_alloc(sizeof(*c));

    *c = *from;
    c->path = (struct buf){0};
    buf_add_slice(&c->path, buf_slice(&from->path));
    c->caller = r->config.host_arg;
    c->number = call->number;
    c->home = t == NULL ? NULL : t->host;
    c->oid = t == NULL ? call->oid : t->oid;
    c->has_oid = t == NULL || t->has_oid;
    c->budget = budget;
    if (r->config.host->chase == NULL)
        chain_arrive(r, c);
    else
        r->config.host->chase(r->config.host_arg, c);
}

static void go_on(struct object *o, const struct waited *w, struct chase *c,
                  uint32_t budget)
{
    if (w->event != NULL)
        visit(o, w->event, c);
    else if (w->has_left)
        send_on(o->realm, w, c, budget);
    else if (c->kind == CHASE_CANCEL)
        o->realm->config.script->fail_call(w->call, "canceled", canceled);
}

static void follow(struct object *o, struct event *e, struct chase *c)
{
    struct buf found = {0};

    if (e->task == NULL || e->task->wait == NULL)
        return;
    o->realm->config.script->waits(o, e, &found);
    const struct waited *waited = (const struct waited *)(void *)found.p;
    size_t n = found.n / sizeof(*waited);
    uint32_t budget = n == 0 ? 0 : (uint32_t)(c->budget / n);

    for (size_t i = 0; i < n; i++)
        go_on(o, &waited[i], c, budget);
    buf_fini(&found);
}

/* ---- what becomes of events ---- */

/* The outcome of `e` is a failure, now. */
static void refuse(struct object *o, struct event *e, const char *code,
                   struct slice text)
{
    struct outcome failed = {0};
    struct reply *reply = e->reply;
    struct failure *f = outcome_failed(&failed);

    f->code = code;
    buf_add_slice(&f->message, text);
    if (e->has_oid)
        oid_to_hex(&e->oid, f->object_id);
    e->reply = NULL;
    if (is_mail(e)) {
        list_unlink(&e->link);
        o->mailbox_n--;
        event_free(e);
        realm_schedule(o->realm, o);
    }
    /* What is under way goes on, for nobody. */
    if (reply != NULL)
        reply->done(reply, &failed);
    outcome_fini(&failed);
}

/* ---- circles ---- */

/* The innermost section around `e` that has begun. */
static const struct section *section_around(const struct event *e)
{
    const struct section *s = e->section;

    while (s != NULL && (s->is_over || !s->has_begun))
        s = s->parent;
    return s;
}

/* It is part of what the section waits for. */
static void let_in(struct object *o, struct event *e, struct section *s)
{
    section_drop(e->section);
    e->section = section_hold(s);
    o->has_let_in = true;
    realm_schedule(o->realm, o);
}

static void close_circle(struct object *o, struct event *e, struct section *s,
                         struct chase *c)
{
    struct buf text = {0};

    if (is_mail(e) && e->target != 0) {
        let_in(o, e, s);
        return;
    }
    buf_add_text(&text, "deadlock: ");
    buf_add_slice(&text, buf_slice(&c->path));
    buf_printf(&text, ", which has to wait until %s of the first is over",
               s->event->kind == EVENT_INIT ? "init" : "blockConcurrencyWhile");
    refuse(o, e, "deadlock", buf_slice(&text));
    buf_fini(&text);
}

/* If the section where `c` began holds `e` up, that is a circle. */
static bool is_circle(struct object *o, struct event *e, struct chase *c)
{
    const struct section *around = section_around(e);

    if (!oid_eq(&o->id, &c->origin))
        return false;
    for (struct section *s = o->section; s != NULL && s != around;
         s = s->parent) {
        if (s->number == c->section) {
            close_circle(o, e, s, c);
            return true;
        }
    }
    return false;
}

/* Other sections hold `e` up: what do they wait for? */
static void go_through_sections(struct object *o, struct event *e,
                                struct chase *c)
{
    const struct section *around = section_around(e);
    size_t length = c->path.n;

    for (struct section *s = o->section; s != NULL && s != around;
         s = s->parent) {
        buf_add_text(&c->path, ", held up by ");
        label_event(&c->path, o, s->event);
        follow(o, s->event, c);
        c->path.n = length;
    }
}

static void visit_circle(struct object *o, struct event *e, struct chase *c)
{
    size_t length = c->path.n;

    if (e->kind != EVENT_TASK) {
        buf_add_text(&c->path, " -> ");
        label_event(&c->path, o, e);
    }
    if (!is_circle(o, e, c)) {
        go_through_sections(o, e, c);
        follow(o, e, c);
    }
    c->path.n = length;
}

static void look_from(struct object *o, struct section *s)
{
    struct chase c = {.kind = CHASE_CIRCLE,
                      .budget = BUDGET,
                      .origin = o->id,
                      .section = s->number};

    label_event(&c.path, o, s->event);
    follow(o, s->event, &c);
    buf_fini(&c.path);
}

void chain_look(struct object *o)
{
    for (struct section *s = o->section; s != NULL; s = s->parent)
        look_from(o, s);
}

/* ---- a new version of the script ---- */

static void visit_old(struct object *o, struct event *e, struct chase *c)
{
    if (!is_mail(e)) {
        follow(o, e, c);
    } else if (object_is_stale(o)) {
        e->is_let_in = true;
        realm_schedule(o->realm, o);
    }
}

void chain_look_old(struct object *o)
{
    struct list *link;

    for (link = o->events.next; link != &o->events; link = link->next) {
        struct chase c = {.kind = CHASE_OLD, .budget = BUDGET};

        follow(o, container_of(link, struct event, link), &c);
    }
}

/* ---- giving up ---- */

static void visit(struct object *o, struct event *e, struct chase *c)
{
    if (c->budget == 0)
        return;
    c->budget--;
    if (c->kind == CHASE_CIRCLE)
        visit_circle(o, e, c);
    else if (c->kind == CHASE_OLD)
        visit_old(o, e, c);
    else if (is_mail(e))
        c->kind == CHASE_DROP ? refuse(o, e, "timeout", slice_of(late))
                              : refuse(o, e, "canceled", slice_of(canceled));
    else if (c->kind == CHASE_CANCEL)
        follow(o, e, c);
}

void chain_cancel(struct object *o, struct event *e)
{
    struct chase c = {.kind = CHASE_CANCEL, .budget = BUDGET};

    follow(o, e, &c);
}

void chain_drop(struct realm *r, const struct waited *call)
{
    struct chase c = {.kind = CHASE_DROP};

    send_on(r, call, &c, 1);
}

/* ---- at the callee ---- */

static bool is_wanted(const struct event *e, const struct chase *c)
{
    return e->reply != NULL && e->reply->number == c->number &&
           e->reply->caller == c->caller;
}

static struct event *find_in(struct list *events, const struct chase *c)
{
    for (struct list *link = events->next; link != events; link = link->next) {
        struct event *e = container_of(link, struct event, link);

        if (is_wanted(e, c))
            return e;
    }
    return NULL;
}

static bool visit_in(struct object *o, struct chase *c)
{
    struct event *e = o == NULL ? NULL : find_in(&o->mailbox, c);

    if (e == NULL && o != NULL)
        e = find_in(&o->events, c);
    if (e != NULL)
        visit(o, e, c);
    return e != NULL;
}

static void visit_in_routers(struct realm *r, struct chase *c)
{
    struct list *link = r->routers.next;
    bool is_found = visit_in(r->router, c);

    for (; !is_found && link != &r->routers; link = link->next)
        is_found = visit_in(container_of(link, struct object, router_link), c);
}

void chain_arrive(struct realm *r, struct chase *c)
{
    if (c->has_oid)
        visit_in(realm_find(r, &c->oid), c);
    else
        visit_in_routers(r, c);
    chase_free(c);
}
