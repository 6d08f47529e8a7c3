#include "object/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/body.h"
#include "base/mem.h"
#include "base/must.h"
#include "object/cause.h"
#include "object/section.h"
#include "object/socket.h"

static void failure_free(struct failure *f)
{
    if (f == NULL)
        return;
    buf_fini(&f->message);
    buf_fini(&f->stack);
    buf_fini(&f->table);
    free(f);
}

void outcome_fini(struct outcome *o)
{
    response_drop(o->response);
    buf_fini(&o->values);
    targets_fini(&o->targets);
    failure_free(o->failure);
    *o = (struct outcome){0};
}

static size_t body_bytes(const struct body *b)
{
    return b == NULL ? 0 : body_buffered(b);
}

size_t outcome_bytes(const struct outcome *o)
{
    return o->values.n +
           (o->response == NULL ? 0 : body_bytes(o->response->body));
}

size_t event_bytes(const struct event *e)
{
    return e->args.n + (e->request == NULL ? 0 : body_bytes(e->request->body));
}

void outcome_fail(struct outcome *o, const char *code, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct failure *f = outcome_failed(o);

    f->code = code;
    buf_add_text(&f->message, text);
}

struct failure *outcome_failed(struct outcome *o)
{
    outcome_fini(o);
    o->kind = OUTCOME_FAILURE;
    o->failure = mem_zalloc(sizeof(*o->failure));
    return o->failure;
}

struct event *event_new(enum event_kind kind)
{
    return event_new_with(kind, 0);
}

struct event *event_new_with(enum event_kind kind, size_t extra)
{
    struct event *e = mem_alloc(sizeof(*e) + extra);

    *e = (struct event){.kind = kind};
    list_init(&e->link);
    list_init(&e->gate.link);
    e->gate.release = event_release;
    return e;
}

void event_free(struct event *e)
{
    MUST(e->task == NULL);
    list_unlink(&e->link);
    if (e->own != NULL)
        cause_end(e);
    if (e->from != NULL)
        cause_drop(e->from);
    request_drop(e->request);
    response_drop(e->lent);
    if (e->cost != NULL)
        free(e->cost);
    free(e->method);
    buf_fini(&e->args);
    targets_fini(&e->targets);
    outcome_fini(&e->outcome);
    section_drop(e->section);
    if (e->news != NULL)
        socket_event_fini(e);
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
    e->outcome.failure->retryable = retryable;
    if (e->has_oid)
        oid_to_hex(&e->oid, e->outcome.failure->object_id);
}

void event_release(struct gate_item *item, const struct error *failure)
{
    struct event *e = container_of(item, struct event, gate);

    if (failure != NULL)
        event_fail(e, "reset", failure->text, failure->code != ERR_RESET);
    event_finish(e);
}
