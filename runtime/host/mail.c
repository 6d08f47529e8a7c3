#include "host/mail.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/errand.h"
#include "net/websocket.h"
#include "object/chain.h"
#include "vm/code.h"

void inbox_init(struct inbox *in)
{
    MUST(uv_mutex_init(&in->mutex) == 0);
    list_init(&in->letters);
    list_init(&in->lost);
    in->is_signalled = false;
    in->is_closed = false;
}

void inbox_fini(struct inbox *in)
{
    uv_mutex_destroy(&in->mutex);
}

struct letter *letter_new(enum letter_kind kind, struct worker *from)
{
    struct letter *l = mem_zalloc(sizeof(*l));

    l->kind = kind;
    l->from = from;
    list_init(&l->link);
    return l;
}

static void letter_fini(struct letter *l)
{
    if (l->event != NULL)
        event_free(l->event);
    free(l->class_name);
    free(l->name);
    outcome_fini(&l->outcome);
    chase_free(l->chase);
    buf_fini(&l->data);
    code_drop(l->code);
    errand_drop(l->errand);
    if (l->seed != NULL)
        ws_seed_fini(l->seed);
    free(l->seed);
}

void letter_free(struct letter *l)
{
    letter_fini(l);
    free(l);
}

/* Nobody will read `l`.  What it owns goes, outside the lock: that may post
 * another letter. */
static void throw_away(struct inbox *in, struct letter *l)
{
    letter_fini(l);
    if (l->reply == NULL) {
        free(l);
        return;
    }
    uv_mutex_lock(&in->mutex);
    list_push(&in->lost, &l->link);
    uv_mutex_unlock(&in->mutex);
}

void mail_send(struct inbox *to, uv_async_t *async, struct letter *l)
{
    uv_mutex_lock(&to->mutex);
    bool is_closed = to->is_closed;

    if (!is_closed) {
        list_push(&to->letters, &l->link);
        /* Inside the lock: inbox_close is followed by closing the async. */
        if (!to->is_signalled && async != NULL)
            uv_async_send(async);
        to->is_signalled = true;
    }
    uv_mutex_unlock(&to->mutex);
    if (is_closed)
        throw_away(to, l);
}

void inbox_close(struct inbox *in)
{
    struct list left;
    struct list *link;

    list_init(&left);
    uv_mutex_lock(&in->mutex);
    in->is_closed = true;
    list_join(&left, &in->letters);
    uv_mutex_unlock(&in->mutex);
    while ((link = list_shift(&left)) != NULL)
        throw_away(in, container_of(link, struct letter, link));
}

void inbox_settle(struct inbox *in)
{
    struct list *link;

    while ((link = list_shift(&in->lost)) != NULL) {
        struct letter *l = container_of(link, struct letter, link);
        struct outcome failed = {0};

        outcome_fail(&failed, "reset", "the server is shutting down");
        l->reply->done(l->reply, &failed);
        outcome_fini(&failed);
        free(l);
    }
}

void mail_take(struct inbox *in, struct list *out)
{
    uv_mutex_lock(&in->mutex);
    list_join(out, &in->letters);
    in->is_signalled = false;
    uv_mutex_unlock(&in->mutex);
}
