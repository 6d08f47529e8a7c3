#include "object/section.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"

struct section *section_new(struct object *o, struct section *parent,
                            struct event *event)
{
    struct section *s = mem_zalloc(sizeof(*s));

    parent = section_resolve(parent);
    s->refs = 1;
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
