#include "base/body.h"

#include <stdlib.h>

#include "base/budget.h"
#include "base/chunks.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { GIVE_MIN = 16 * 1024 }; /* fewer bytes are cheaper to copy */

struct body {
    uint32_t refs;
    enum body_state state;
    bool is_abandoned;
    bool is_read;    /* somebody has begun to */
    bool is_half;    /* of a tee, which wants to know when it is empty */
    int error;       /* of body_fail */
    int64_t told;    /* length given to body_new, -1 unknown */
    int64_t written; /* bytes in all so far */
    struct chunks queue;
    struct budget *budget; /* held; NULL: nobody counts */
    size_t counted;        /* of the queue, there */
    body_cb on_readable, on_writable;
    void *reader, *writer; /* arguments of the two */
};

struct body *body_new(int64_t length)
{
    struct body *b = mem_zalloc(sizeof(*b));

    b->refs = 1;
    b->told = length;
    return b;
}

/* The queue has changed. */
static void recount(struct body *b)
{
    if (b->budget == NULL)
        return;
    budget_change(b->budget, b->counted, b->queue.n);
    b->counted = b->queue.n;
}

static void uncount(struct body *b)
{
    if (b->budget == NULL)
        return;
    budget_change(b->budget, b->counted, 0);
    budget_drop(b->budget);
    b->budget = NULL;
    b->counted = 0;
}

bool body_count(struct body *b, struct budget *budget)
{
    if (b->budget == budget)
        return true;
    if (!budget_fits(budget, b->queue.n))
        return false;
    uncount(b);
    b->budget = budget_hold(budget);
    recount(b);
    return true;
}

static struct body *complete(struct body *b)
{
    b->state = BODY_ENDED;
    b->written = (int64_t)b->queue.n;
    b->told = b->written;
    return b;
}

struct body *body_from(const void *p, size_t n)
{
    struct body *b = body_new(-1);

    chunks_add(&b->queue, p, n);
    return complete(b);
}

struct body *body_take(struct buf *b)
{
    struct body *body = body_new(-1);

    chunks_take(&body->queue, b);
    return complete(body);
}

struct body *body_hold(struct body *b)
{
    b->refs++;
    return b;
}

void body_drop(struct body *b)
{
    if (b == NULL || --b->refs != 0)
        return;
    uncount(b);
    chunks_clear(&b->queue);
    free(b);
}

bool body_is_lone(const struct body *b)
{
    return b->refs == 1;
}

static void tell(struct body *b, body_cb cb, void *arg)
{
    if (cb != NULL)
        cb(b, arg);
}

int body_write(struct body *b, const void *p, size_t n)
{
    MUST(b->state == BODY_OPEN);
    if (b->is_abandoned)
        return ERR_CLOSED;
    if (n == 0)
        return 0;
    chunks_add(&b->queue, p, n);
    recount(b);
    b->written += (int64_t)n;
    tell(b, b->on_readable, b->reader);
    return 0;
}

int body_give(struct body *b, struct buf *bytes)
{
    int64_t n = (int64_t)bytes->n;

    if (bytes->n < GIVE_MIN || b->is_abandoned) {
        int rc = body_write(b, bytes->p, bytes->n);

        buf_fini(bytes);
        return rc;
    }
    MUST(b->state == BODY_OPEN);
    chunks_take(&b->queue, bytes);
    recount(b);
    b->written += n;
    tell(b, b->on_readable, b->reader);
    return 0;
}

bool body_is_full(const struct body *b)
{
    return b->queue.n >= BODY_HIGH_WATER;
}

void body_end(struct body *b)
{
    if (b->state != BODY_OPEN)
        return;
    b->state = BODY_ENDED;
    tell(b, b->on_readable, b->reader);
}

void body_fail(struct body *b, int err)
{
    if (b->state != BODY_OPEN)
        return;
    b->state = BODY_FAILED;
    b->error = err;
    tell(b, b->on_readable, b->reader);
}

void body_on_writable(struct body *b, body_cb cb, void *arg)
{
    b->on_writable = cb;
    b->writer = arg;
}

enum body_state body_peek(const struct body *b, struct slice *out)
{
    *out = chunks_first(&b->queue);
    return b->state;
}

void body_consume(struct body *b, size_t n)
{
    bool was_full = body_is_full(b);

    chunks_skip(&b->queue, n);
    recount(b);
    b->is_read = true;
    if ((was_full && !body_is_full(b)) || (b->is_half && b->queue.n == 0))
        tell(b, b->on_writable, b->writer);
}

size_t body_buffered(const struct body *b)
{
    return b->queue.n;
}

bool body_is_stream(const struct body *b)
{
    return b->told < 0;
}

void body_make_stream(struct body *b)
{
    b->told = -1;
}

int64_t body_length(const struct body *b)
{
    return b->state == BODY_ENDED ? b->written : b->told;
}

int64_t body_left(const struct body *b)
{
    int64_t length = body_length(b);

    return length < 0 ? -1 : length - (b->written - (int64_t)b->queue.n);
}

bool body_is_over(const struct body *b)
{
    return b->state != BODY_OPEN;
}

int body_error(const struct body *b)
{
    return b->error;
}

void body_on_readable(struct body *b, body_cb cb, void *arg)
{
    b->on_readable = cb;
    b->reader = arg;
    b->is_read = b->is_read || cb != NULL;
}

void body_abandon(struct body *b)
{
    if (b->is_abandoned)
        return;
    b->is_abandoned = true;
    chunks_clear(&b->queue);
    recount(b);
    tell(b, b->on_writable, b->writer);
}

bool body_is_abandoned(const struct body *b)
{
    return b->is_abandoned;
}

/* The writer of two bodies and the reader of the one they come from. */
struct tee {
    struct body *from;  /* owned: the reader's reference */
    struct body *to[2]; /* owned: the writer's references */
    bool is_moving;     /* callbacks of the bodies come back here */
};

static bool is_given_up(const struct body *b)
{
    return b->is_abandoned || b->state != BODY_OPEN;
}

static bool lags_too_far(const struct body *b)
{
    bool is_over = b->budget != NULL && !budget_fits(b->budget, 1);

    return b->queue.n > BODY_LAG_MAX || (body_is_full(b) && is_over);
}

/* Add the first run of `from` to `b` without copying it. */
static void share(struct body *b, const struct chunks *from)
{
    if (is_given_up(b))
        return;
    if (lags_too_far(b)) {
        chunks_clear(&b->queue);
        recount(b);
        body_fail(b, ERR_LIMIT);
        return;
    }
    chunks_share(&b->queue, from);
    recount(b);
    b->written += (int64_t)chunks_first(from).n;
    tell(b, b->on_readable, b->reader);
}

/* Whoever reads one half before he begins with the other gets it. */
static bool may_wait(const struct body *b, const struct body *other)
{
    return !body_is_full(b) ||
           (!b->is_read && other->is_read && other->queue.n == 0);
}

static bool has_room(const struct tee *t)
{
    return may_wait(t->to[0], t->to[1]) && may_wait(t->to[1], t->to[0]);
}

static bool is_deserted(const struct tee *t)
{
    return is_given_up(t->to[0]) && is_given_up(t->to[1]);
}

/* Callbacks of the two may not make room in `from`, nor add to its first run:
 * both would come back here. */
static void move_runs(struct tee *t)
{
    struct body *from = t->from;

    while (from->queue.n != 0 && !is_deserted(t) &&
           (from->state == BODY_ENDED || has_room(t))) {
        struct chunks run = {0};

        chunks_share(&run, &from->queue);
        share(t->to[0], &run);
        share(t->to[1], &run);
        body_consume(from, run.n);
        chunks_clear(&run);
    }
}

static void tee_free(struct tee *t)
{
    for (int i = 0; i < 2; i++) {
        body_on_writable(t->to[i], NULL, NULL);
        if (t->from->state == BODY_ENDED)
            body_end(t->to[i]);
        else if (t->from->state == BODY_FAILED)
            body_fail(t->to[i], t->from->error);
        body_drop(t->to[i]);
    }
    body_on_readable(t->from, NULL, NULL);
    if (t->from->state == BODY_OPEN)
        body_abandon(t->from);
    body_drop(t->from);
    free(t);
}

/* Move what there is room for; free `t` when nothing more can come. */
static void tee_run(struct tee *t)
{
    if (t->is_moving)
        return;
    t->is_moving = true;
    move_runs(t);
    t->is_moving = false;
    if (is_deserted(t) || t->from->state == BODY_FAILED ||
        (t->from->state == BODY_ENDED && t->from->queue.n == 0))
        tee_free(t);
}

static void on_tee(struct body *b, void *arg)
{
    (void)b;
    tee_run(arg);
}

void body_tee(struct body *b, struct body **one, struct body **two)
{
    struct tee *t = mem_zalloc(sizeof(*t));
    int64_t left = body_left(b);

    *one = body_new(left);
    *two = body_new(left);
    (*one)->is_half = true;
    (*two)->is_half = true;
    *t = (struct tee){.from = b, .to = {body_hold(*one), body_hold(*two)}};
    body_on_readable(b, on_tee, t);
    body_on_writable(t->to[0], on_tee, t);
    body_on_writable(t->to[1], on_tee, t);
    tee_run(t);
}
