#include "object/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/section.h"

void failure_fini(struct failure *f)
{
    buf_fini(&f->message);
    buf_fini(&f->stack);
    buf_fini(&f->table);
}

void failure_copy(struct failure *to, const struct failure *from)
{
    *to = *from;
    to->message = (struct buf){0};
    to->stack = (struct buf){0};
    to->table = (struct buf){0};
    buf_add_slice(&to->message, buf_slice(&from->message));
    buf_add_slice(&to->stack, buf_slice(&from->stack));
    buf_add_slice(&to->table, buf_slice(&from->table));
}

void outcome_fini(struct outcome *o)
{
    response_drop(o->response);
    buf_fini(&o->values);
    failure_fini(&o->failure);
    *o = (struct outcome){0};
}

void outcome_fail(struct outcome *o, const char *code, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    outcome_fini(o);
    o->kind = OUTCOME_FAILURE;
    o->failure.code = code;
    buf_add_text(&o->failure.message, text);
}

struct event *event_new(enum event_kind kind)
{
    struct event *e = mem_zalloc(sizeof(*e));

    e->kind = kind;
    list_init(&e->link);
    list_init(&e->gate.link);
    e->gate.release = event_release;
    return e;
}

void event_free(struct event *e)
{
    MUST(e->task == NULL);
    list_unlink(&e->link);
    request_drop(e->request);
    free(e->method);
    buf_fini(&e->args);
    outcome_fini(&e->outcome);
    section_drop(e->section);
    free(e);
}

void event_finish(struct event *e)
{
    struct reply *reply = e->reply;

    e->reply = NULL;
    if (reply != NULL)
        reply->done(reply, &e->outcome);
    event_free(e);
}

void event_fail(struct event *e, const char *code, const char *text,
                bool retryable)
{
    outcome_fail(&e->outcome, code, "%s", text);
    e->outcome.failure.retryable = retryable;
    if (e->has_oid)
        oid_to_hex(&e->oid, e->outcome.failure.object_id);
}

void event_release(struct gate_item *item, const struct error *failure)
{
    struct event *e = container_of(item, struct event, gate);

    if (failure != NULL)
        event_fail(e, "reset", failure->text, failure->code != ERR_RESET);
    event_finish(e);
}
