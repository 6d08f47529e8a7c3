#include "object/section.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/chain.h"
#include "object/object.h"

/* The first look comes after LOOK_MS, then later and later; those that calls
 * bring about are at least a millisecond apart. */
enum { SECTION_MS = 30000, LOOK_MS = 10, LOOK_MAX_MS = 250, LOOK_GAP_MS = 1 };

#define MS_NS 1000000u

static const char too_long[] =
    "A call to blockConcurrencyWhile() in a Durable Object waited for too "
    "long. The call was canceled and the Durable Object was reset.";
static const char init_too_long[] =
    "init() of a Durable Object waited for too long. The call was canceled and "
    "the Durable Object was reset.";

struct section *section_new(struct object *o, struct section *parent,
                            struct event *event)
{
    struct section *s = mem_zalloc(sizeof(*s));

    parent = section_resolve(parent);
    s->refs = 1;
    s->number = o->realm->order++;
    s->object = o;
    s->event = event;
    s->depth = 1;
    if (parent != NULL) {
        s->parent = section_hold(parent);
        s->depth = parent->depth + 1;
    }
    list_init(&s->link);
    return s;
}

struct section *section_hold(struct section *s)
{
    s->refs++;
    return s;
}

void section_drop(struct section *s)
{
    while (s != NULL && --s->refs == 0) {
        struct section *parent = s->parent;

        MUST(!timer_is_waiting(&s->timer));
        list_unlink(&s->link);
        free(s);
        s = parent;
    }
}

struct section *section_resolve(struct section *s)
{
    while (s != NULL && s->is_over)
        s = s->parent;
    return s;
}

bool section_contains(struct section *outer, const struct section *s)
{
    outer = section_resolve(outer);
    while (s != NULL) {
        s = s->parent;
        if (s == outer)
            return true;
    }
    return false;
}

/* ---- time ---- */

static void on_due(struct timer *t);

static void pause_for(struct section *s, uint64_t now)
{
    uint64_t left = now >= s->ends_ns ? 0 : (s->ends_ns - now) / MS_NS + 1;

    timer_start(&s->object->realm->timers, &s->timer,
                left < s->pause_ms ? left : s->pause_ms, on_due);
}

void section_begin(struct section *s)
{
    s->has_begun = true;
    s->pause_ms = LOOK_MS;
    timer_start(&s->object->realm->timers, &s->timer, LOOK_MS, on_due);
    s->ends_ns = s->timer.due_ns + (uint64_t)(SECTION_MS - LOOK_MS) * MS_NS;
}

/* An inner one does the looking for those around it. */
static void on_due(struct timer *t)
{
    struct section *s = container_of(t, struct section, timer);
    uint64_t now = clock_mono_ns(s->object->realm->config.clock);

    if (now >= s->ends_ns) {
        bool is_init = s->event->kind == EVENT_INIT;

        object_reset(s->object, &(struct object_reset){
                                    .text = is_init ? init_too_long : too_long,
                                    .queued_too = true});
        return;
    }
    s->pause_ms = 2 * s->pause_ms < LOOK_MAX_MS ? 2 * s->pause_ms : LOOK_MAX_MS;
    pause_for(s, now);
    if (s == s->object->section)
        section_look(s);
}

void section_suspect(struct section *s)
{
    const struct realm *r = s->object->realm;
    uint64_t now = clock_mono_ns(r->config.clock);

    if (s->is_suspect)
        return;
    if (r->config.clock->is_virtual ||
        now - s->looked_ns >= LOOK_GAP_MS * MS_NS) {
        s->is_suspect = true;
    } else if (s->pause_ms > LOOK_GAP_MS) {
        s->pause_ms = LOOK_GAP_MS;
        pause_for(s, now);
    }
}

void section_look(struct section *s)
{
    s->is_suspect = false;
    s->looked_ns = clock_mono_ns(s->object->realm->config.clock);
    chain_look(s->object);
}

void section_close(struct object *o, struct section *s)
{
    struct section *parent = s->parent;

    MUST(o->section == s);
    timer_stop(&s->timer);
    s->is_over = true;
    s->event = NULL;
    o->section = parent == NULL ? NULL : section_hold(parent);
    o->has_let_in = o->has_let_in && parent != NULL;
    section_drop(s);
}
