#include "object/cause.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"

void cause_set(struct event *e, struct event *by)
{
    MUST(e->from == NULL);
    if (by->from != NULL) {
        e->from = by->from;
    } else {
        if (by->own == NULL) {
            by->own = mem_zalloc(sizeof(*by->own));
            by->own->refs = 1;
            by->own->event = by;
        }
        e->from = by->own;
    }
    e->from->refs++;
}

void cause_end(struct event *e)
{
    struct cause *c = e->own;

    e->own = NULL;
    if (c == NULL)
        return;
    c->event = NULL;
    c->kind = e->kind;
    if (e->kind == EVENT_CALL && e->target == 0) {
        c->method = e->method;
        e->method = NULL;
    }
    cause_drop(c);
}

void cause_drop(struct cause *c)
{
    if (c == NULL || --c->refs != 0)
        return;
    free(c->method);
    free(c);
}
