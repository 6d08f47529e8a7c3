#include "host/asks.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/message.h"
#include "base/must.h"
#include "host/console.h"
#include "host/frames.h"
#include "host/question.h"
#include "host/row.h"
#include "host/worker.h"
#include "object/port.h"

struct ask {
    struct list link;
    struct asks *asks;
    struct worker *worker;
    uv_thread_t thread;
    struct buf asked; /* the row; the thread's */
    int64_t number;   /* by which it is cancelled; the script's choice */
    /* Under asks->mutex. */
    struct buf out;   /* frames that the worker has not taken */
    bool is_told;     /* a letter about them is on its way */
    bool is_over;     /* the thread can be joined */
    bool is_unwanted; /* nobody reads */
    /* The worker's. */
    bool has_thread;
    struct fetch_call *call; /* NULL once it has its response */
    struct body *body;
};

void asks_init(struct asks *a)
{
    *a = (struct asks){0};
    list_init(&a->all);
    MUST(uv_mutex_init(&a->mutex) == 0);
    MUST(uv_cond_init(&a->room) == 0);
    MUST(uv_cond_init(&a->none) == 0);
}

void asks_end(struct asks *a)
{
    struct list *link;

    uv_mutex_lock(&a->mutex);
    a->is_closing = true;
    for (link = a->all.next; link != &a->all; link = link->next)
        container_of(link, struct ask, link)->is_unwanted = true;
    uv_cond_broadcast(&a->room);
    while (a->count != 0)
        uv_cond_wait(&a->none, &a->mutex);
    uv_mutex_unlock(&a->mutex);
}

void asks_fini(struct asks *a)
{
    uv_cond_destroy(&a->none);
    uv_cond_destroy(&a->room);
    uv_mutex_destroy(&a->mutex);
}

/* ---- on the question's thread ---- */

/* The mutex is held. */
static void tell(struct ask *a)
{
    struct letter *l;

    if (a->is_told)
        return;
    a->is_told = true;
    l = letter_new(LETTER_ANSWER, NULL);
    l->ask = a;
    worker_send(a->worker, l);
}

static int on_row(void *arg, struct slice row)
{
    struct ask *a = arg;

    uv_mutex_lock(&a->asks->mutex);
    while (a->out.n > ASKS_BYTES && !a->is_unwanted)
        uv_cond_wait(&a->asks->room, &a->asks->mutex);
    bool is_unwanted = a->is_unwanted;

    if (!is_unwanted) {
        frames_add(&a->out, row);
        tell(a);
    }
    uv_mutex_unlock(&a->asks->mutex);
    return is_unwanted;
}

static void end(struct ask *a, int rc, const char *text)
{
    uv_mutex_lock(&a->asks->mutex);
    frames_add_end(&a->out, rc, text);
    a->is_over = true;
    tell(a);
    uv_mutex_unlock(&a->asks->mutex);
}

static void attend(void *arg)
{
    struct ask *a = arg;
    struct error err = {0};
    int rc = question_answer(a->worker->node, buf_slice(&a->asked),
                             (struct answer){.row = on_row, .arg = a}, &err);

    end(a, rc, rc == 0 ? "" : err.text);
}

/* ---- on the console's worker ---- */

static void forget(struct ask *a)
{
    if (a->has_thread) {
        uv_thread_join(&a->thread);
        uv_mutex_lock(&a->asks->mutex);
        list_unlink(&a->link);
        if (--a->asks->count == 0)
            uv_cond_signal(&a->asks->none);
        uv_mutex_unlock(&a->asks->mutex);
    }
    buf_fini(&a->asked);
    buf_fini(&a->out);
    free(a);
}

static void give_up(struct ask *a)
{
    uv_mutex_lock(&a->asks->mutex);
    a->is_unwanted = true;
    uv_cond_broadcast(&a->asks->room);
    uv_mutex_unlock(&a->asks->mutex);
}

/* Lead on what has come; true when that was the last of it, `*is_cut`: of what
 * anybody wants. */
static bool pump(struct ask *a, bool *is_cut)
{
    struct buf bytes = {0};
    bool is_over;

    uv_mutex_lock(&a->asks->mutex);
    a->is_told = false;
    if (a->body == NULL || !body_is_full(a->body)) {
        bytes = a->out;
        a->out = (struct buf){0};
        uv_cond_broadcast(&a->asks->room);
    }
    *is_cut = a->is_unwanted;
    is_over = a->is_over && (a->out.n == 0 || a->is_unwanted);
    uv_mutex_unlock(&a->asks->mutex);
    if (a->body != NULL && bytes.n != 0)
        body_give(a->body, &bytes);
    buf_fini(&bytes);
    return is_over;
}

static void end_body(struct ask *a, bool is_cut)
{
    struct body *b = a->body;

    a->body = NULL;
    if (b == NULL)
        return;
    body_on_writable(b, NULL, NULL);
    if (is_cut)
        body_fail(b, ERR_CANCELED);
    else
        body_end(b);
    body_drop(b);
}

/* The reader wants more, or has left. */
static void on_writable(struct body *b, void *arg)
{
    struct ask *a = arg;

    if (body_is_abandoned(b)) {
        give_up(a);
        a->body = NULL;
        body_on_writable(b, NULL, NULL);
        body_drop(b);
    }
    uv_mutex_lock(&a->asks->mutex);
    tell(a);
    uv_mutex_unlock(&a->asks->mutex);
}

static struct response *response_of(struct ask *a)
{
    body_on_writable(a->body, on_writable, a);
    return response_build(
        &(struct response){.status = 200, .body = body_hold(a->body)});
}

void asks_receive(struct ask *a)
{
    struct fetch_call *c = a->call;
    struct response *rs = NULL;
    bool is_cut;
    bool is_over = pump(a, &is_cut);

    a->call = NULL;
    if (c != NULL)
        rs = response_of(a);
    if (is_over) {
        end_body(a, is_cut);
        forget(a);
    }
    if (c != NULL) {
        c->flight = NULL;
        c->done(c, rs, NULL);
    }
}

static void read_question(struct ask *a, struct request *rq)
{
    struct slice piece;

    while (rq->body != NULL && a->asked.n <= ASKS_QUESTION_MAX) {
        body_peek(rq->body, &piece);
        if (piece.n == 0)
            break;
        buf_add_slice(&a->asked, piece);
        body_consume(rq->body, piece.n);
    }
}

/* Whether it may have a thread. */
static bool enter(struct ask *a)
{
    struct asks *all = a->asks;

    uv_mutex_lock(&all->mutex);
    a->has_thread = !all->is_closing && all->count < ASKS_MAX;
    if (a->has_thread) {
        list_push(&all->all, &a->link);
        all->count++;
    }
    uv_mutex_unlock(&all->mutex);
    return a->has_thread;
}

/* The script has no other way to leave an answer before its end than to let its
 * collector find it. */
static void cancel_numbered(struct asks *all, int64_t number)
{
    struct list *link;

    uv_mutex_lock(&all->mutex);
    for (link = all->all.next; link != &all->all; link = link->next) {
        struct ask *a = container_of(link, struct ask, link);

        a->is_unwanted = a->is_unwanted || a->number == number;
    }
    uv_cond_broadcast(&all->room);
    uv_mutex_unlock(&all->mutex);
}

void asks_begin(void *host, struct fetch_call *c)
{
    struct worker *w = host;
    struct ask *a = mem_zalloc(sizeof(*a));

    *a = (struct ask){.asks = console_asks(w->console),
                      .worker = w,
                      .call = c,
                      .body = body_new(-1)};
    list_init(&a->link);
    c->flight = a;
    read_question(a, c->request);
    request_drop(c->request);
    c->request = NULL;
    a->number = row_integer(buf_slice(&a->asked), "ask");
    if (a->asked.n > ASKS_QUESTION_MAX) {
        end(a, ERR_TOO_BIG, "the question is too long");
    } else if (row_is(buf_slice(&a->asked), "cancel")) {
        cancel_numbered(a->asks, a->number);
        end(a, 0, "");
    } else if (!enter(a)) {
        end(a, ERR_BUSY, "too many questions at once");
    } else {
        MUST(uv_thread_create(&a->thread, attend, a) == 0);
    }
}

void asks_cancel(void *host, struct fetch_call *c)
{
    struct ask *a = c->flight;

    (void)host;
    a->call = NULL;
    give_up(a);
    body_drop(a->body);
    a->body = NULL;
}
