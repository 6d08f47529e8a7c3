#include "object/keepers.h"

#include "base/must.h"
#include "base/text.h"
#include "object/event.h"
#include "object/firing.h"
#include "object/object.h"
#include "object/socket_inside.h"
#include "store/db.h"
#include "vm/task.h"

struct walk {
    const struct object *o;
    uint64_t now_ns;
    void (*each)(void *arg, const struct keeper *k);
    void *arg;
};

static uint64_t age_ms(const struct walk *w, uint64_t since_ns)
{
    return since_ns == 0 || since_ns > w->now_ns
               ? 0
               : (w->now_ns - since_ns) / 1000000;
}

/* ---- what an event is ---- */

static void describe_request(const struct request *rq, struct buf *out)
{
    struct slice target = rq->target;
    const char *query = memchr(target.p, '?', target.n);

    if (query != NULL)
        target.n = (size_t)(query - target.p);
    text_add_escaped(out, rq->method, TEXT_PRINTABLE);
    buf_add_byte(out, ' ');
    text_add_escaped(out, target, TEXT_PRINTABLE);
}

static void describe_alarm(const struct object *o, struct buf *out)
{
    buf_add_text(out, "alarm");
    if (o->firing == NULL || o->firing->name.n == 0)
        return;
    buf_add_text(out, " '");
    text_add_escaped(out, buf_slice(&o->firing->name), TEXT_PRINTABLE);
    buf_add_byte(out, '\'');
}

static const char *socket_word(const struct event *e)
{
    static const char *const words[] = {[SOCKET_MESSAGE] = "message",
                                        [SOCKET_CLOSE] = "close",
                                        [SOCKET_ERROR] = "error"};

    return words[e->news->kind];
}

void keepers_describe(const struct object *o, const struct event *e,
                      struct buf *out)
{
    switch (e->kind) {
    case EVENT_FETCH:
        describe_request(e->request, out);
        break;
    case EVENT_CALL:
        buf_add_text(out, e->target == 0 ? e->method : "call by reference");
        break;
    case EVENT_INIT:
        buf_add_text(out, "init");
        break;
    case EVENT_SOCKET:
        buf_add_text(out, socket_word(e));
        break;
    case EVENT_ALARM:
        describe_alarm(o, out);
        break;
    case EVENT_TASK:
        buf_add_text(out, o->realm->config.script->task_name(e));
        break;
    }
}

/* ---- the walk ---- */

/* The critical section that runs the function of `e`, or NULL. */
static const struct section *own_section(const struct object *o,
                                         const struct event *e)
{
    for (const struct section *s = o->section; s != NULL; s = s->parent) {
        if (s->event == e)
            return s;
    }
    return NULL;
}

static struct slice section_word(const struct object *o,
                                 const struct section *s)
{
    return o->state == OBJECT_WAKING && s->parent == NULL
               ? SLICE("init")
               : SLICE("blockConcurrencyWhile");
}

static void tell_event(struct walk *w, const struct event *e, struct buf *what,
                       struct buf *waits)
{
    const struct section *section = own_section(w->o, e);
    const struct wait *wait = e->task == NULL ? NULL : e->task->wait;
    struct keeper k = {.kind = KEEPER_EVENT, .age_ms = age_ms(w, e->began_ns)};

    what->n = waits->n = 0;
    if (section != NULL) {
        k.kind = KEEPER_SECTION;
        buf_add_slice(what, section_word(w->o, section));
    } else {
        keepers_describe(w->o, e, what);
    }
    if (wait != NULL && wait->describe != NULL)
        wait->describe(wait, waits);
    k.what = buf_slice(what);
    k.waits_for = buf_slice(waits);
    w->each(w->arg, &k);
}

static void tell_events(struct walk *w)
{
    const struct list *all = &w->o->events;
    struct buf what = {0};
    struct buf waits = {0};

    for (struct list *link = all->next; link != all; link = link->next)
        tell_event(w, container_of(link, struct event, link), &what, &waits);
    buf_fini(&what);
    buf_fini(&waits);
}

/* Those that wait for others to end. */
static void tell_sections(struct walk *w)
{
    const struct list *asked = &w->o->sections;

    for (struct list *link = asked->next; link != asked; link = link->next) {
        const struct section *s = container_of(link, struct section, link);

        w->each(w->arg, &(struct keeper){.kind = KEEPER_SECTION,
                                         .what = section_word(w->o, s)});
    }
}

static void on_timer(void *arg, uint64_t due_ns, uint64_t every_ms)
{
    struct walk *w = arg;
    uint64_t due = due_ns > w->now_ns ? due_ns - w->now_ns : 0;

    w->each(w->arg, &(struct keeper){.kind = KEEPER_TIMER,
                                     .due_ms = due / 1000000,
                                     .every_ms = every_ms});
}

static size_t length_of(const struct list *list)
{
    size_t n = 0;

    for (const struct list *link = list->next; link != list; link = link->next)
        n++;
    return n;
}

static size_t plain_sockets(const struct object *o)
{
    const struct list *others = o->sockets == NULL ? NULL : &o->sockets->others;
    size_t n = 0;

    if (others == NULL)
        return 0;
    for (struct list *link = others->next; link != others; link = link->next)
        n += container_of(link, struct socket, link)->keeps;
    return n;
}

static void tell_count(struct walk *w, enum keeper_kind kind, size_t count)
{
    if (count != 0)
        w->each(w->arg, &(struct keeper){.kind = kind, .count = count});
}

void keepers_each(const struct object *o,
                  void (*each)(void *arg, const struct keeper *k), void *arg)
{
    struct walk w = {o, clock_mono_ns(o->realm->config.clock), each, arg};
    const struct script_ops *script = o->realm->config.script;

    tell_events(&w);
    tell_sections(&w);
    tell_count(&w, KEEPER_QUEUED, o->mailbox_n);
    tell_count(&w, KEEPER_SPAWNED, length_of(&o->spawned));
    if (o->vm != NULL && script->timers != NULL)
        script->timers(o, on_timer, &w);
    tell_count(&w, KEEPER_SOCKETS, plain_sockets(o));
    tell_count(&w, KEEPER_TARGETS, o->targets_n);
    tell_count(&w, KEEPER_FIRING, o->firing != NULL);
    tell_count(&w, KEEPER_NOT_SAVED,
               o->db != NULL && db_last_commit(o->db) > o->realm->gate.durable);
}
