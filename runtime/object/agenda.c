#include "object/agenda.h"

#include "base/must.h"
#include "object/event.h"
#include "object/object.h"
#include "object/section.h"
#include "vm/task.h"

enum { PASSED_OVER_MAX = 64 };

static struct event *event_of(struct list *link)
{
    return container_of(link, struct event, link);
}

static bool is_open(const struct object *o, const struct event *e)
{
    return section_resolve(e->section) == o->section;
}

struct section *agenda_section(const struct object *o)
{
    struct list *link;

    for (link = o->sections.next; link != &o->sections; link = link->next) {
        struct section *s = container_of(link, struct section, link);

        if (section_resolve(s->parent) == o->section)
            return s;
    }
    return NULL;
}

static struct task *next_ready(const struct object *o)
{
    struct list *link;

    for (link = o->ready.next; link != &o->ready; link = link->next) {
        struct task *t = container_of(link, struct task, link);

        if (is_open(o, t->owner))
            return t;
    }
    return NULL;
}

static struct event *next_spawned(const struct object *o)
{
    struct list *link;

    for (link = o->spawned.next; link != &o->spawned; link = link->next) {
        if (is_open(o, event_of(link)))
            return event_of(link);
    }
    return NULL;
}

/* An event from outside that was let into the open section (chain.h). */
static struct event *next_let_in(const struct object *o)
{
    struct list *link;

    if (!o->has_let_in)
        return NULL;
    for (link = o->mailbox.next; link != &o->mailbox; link = link->next) {
        if (event_of(link)->section != NULL && is_open(o, event_of(link)))
            return event_of(link);
    }
    return NULL;
}

/* What is under way in an object that goes over to a new version may wait for
 * these: functions of the old state, and calls on its behalf. */
static struct event *next_of_old(const struct object *o)
{
    struct list *link;

    for (link = o->mailbox.next; link != &o->mailbox; link = link->next) {
        if (event_of(link)->target != 0 || event_of(link)->is_let_in)
            return event_of(link);
    }
    return NULL;
}

/* Events from outside wait for sections, for init, and for a new version of
 * the script. */
static struct event *next_mail(const struct object *o)
{
    if (o->section != NULL)
        return next_let_in(o);
    if (list_empty(&o->mailbox))
        return NULL;
    if (object_is_stale(o))
        return next_of_old(o);
    return event_of(o->mailbox.next);
}

static uint64_t order_of(const struct event *e)
{
    return e == NULL ? UINT64_MAX : e->order;
}

/* What the object itself has started goes before what comes from outside,
 * but not for ever. */
static struct event *mail_in_turn(struct object *o, const struct event *spawned)
{
    if (spawned != NULL && ++o->passed_over < PASSED_OVER_MAX)
        return NULL;
    o->passed_over = 0;
    return next_mail(o);
}

void agenda_next(struct object *o, struct next *out)
{
    struct task *t = next_ready(o);
    struct event *spawned = next_spawned(o);
    struct event *mail = mail_in_turn(o, spawned);
    uint64_t order = order_of(t == NULL ? NULL : t->owner);

    *out = (struct next){0};
    if (order < order_of(spawned) && order < order_of(mail))
        out->ready = t;
    else if (mail != NULL)
        out->mail = mail;
    else
        out->spawned = spawned;
}

bool agenda_is_free(const struct object *o)
{
    return o->state == OBJECT_AWAKE && o->mailbox_n == 1 &&
           o->section == NULL && o->preempted == NULL &&
           list_empty(&o->ready) && list_empty(&o->spawned) &&
           list_empty(&o->sections) && !object_is_stale(o);
}

bool agenda_has_more(const struct object *o)
{
    if (o->state == OBJECT_ASLEEP)
        return o->mailbox_n != 0 && o->recall == NULL;
    return o->preempted != NULL || agenda_section(o) != NULL ||
           next_ready(o) != NULL || next_spawned(o) != NULL ||
           next_mail(o) != NULL || (object_is_stale(o) && o->events_n == 0);
}
