#include "base/body.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum {
    CHUNK_MIN = 512,      /* so that small writes share an allocation */
    CHUNK_KEEP_MAX = 4096 /* an emptied chunk up to this size is used again */
};

/* Bytes that bodies share after a tee. */
struct chunk {
    uint32_t refs;
    size_t cap;
    char *p; /* behind this struct, or a block of its own that is owned */
};

/* A run of a chunk's bytes in one body's queue. */
struct part {
    struct part *next;
    struct chunk *chunk; /* NULL: the embedded part is not in use */
    size_t at, end;      /* unread bytes of the chunk */
};

struct body {
    uint32_t refs;
    enum body_state state;
    bool is_abandoned;
    int error;       /* of body_fail */
    int64_t told;    /* length given to body_new, -1 unknown */
    int64_t written; /* bytes in all so far */
    size_t buffered; /* bytes in the queue */
    struct part *head, *tail;
    struct part embedded; /* most bodies never need a second one */
    body_cb on_readable, on_writable;
    void *reader, *writer; /* arguments of the two */
};

static struct chunk *chunk_new(size_t cap)
{
    struct chunk *c = mem_alloc(sizeof(*c) + cap);

    *c = (struct chunk){.refs = 1, .cap = cap, .p = (char *)(c + 1)};
    return c;
}

static void chunk_drop(struct chunk *c)
{
    if (--c->refs != 0)
        return;
    if (c->p != (char *)(c + 1))
        free(c->p);
    free(c);
}

static void shift_part(struct body *b)
{
    struct part *part = b->head;

    b->head = part->next;
    if (b->head == NULL)
        b->tail = NULL;
    chunk_drop(part->chunk);
    if (part == &b->embedded)
        part->chunk = NULL;
    else
        free(part);
}

static void clear(struct body *b)
{
    while (b->head != NULL)
        shift_part(b);
    b->buffered = 0;
}

/* Append a part; takes over the reference to `c`. */
static void push_part(struct body *b, struct chunk *c, size_t at, size_t end)
{
    struct part *part = &b->embedded;

    if (b->buffered == 0)
        clear(b); /* an emptied chunk that was kept */
    if (part->chunk != NULL)
        part = mem_alloc(sizeof(*part));
    *part = (struct part){.chunk = c, .at = at, .end = end};
    if (b->tail == NULL)
        b->head = part;
    else
        b->tail->next = part;
    b->tail = part;
}

struct body *body_new(int64_t length)
{
    struct body *b = mem_zalloc(sizeof(*b));

    b->refs = 1;
    b->told = length;
    return b;
}

/* A complete body of the `n` bytes of `c`, taken over. */
static struct body *complete(struct chunk *c, size_t n)
{
    struct body *b = body_new((int64_t)n);

    b->state = BODY_ENDED;
    b->written = (int64_t)n;
    b->buffered = n;
    if (n == 0)
        chunk_drop(c);
    else
        push_part(b, c, 0, n);
    return b;
}

struct body *body_from(const void *p, size_t n)
{
    struct chunk *c = chunk_new(n);

    if (n != 0)
        memcpy(c->p, p, n);
    return complete(c, n);
}

struct body *body_take(struct buf *b)
{
    struct chunk *c = chunk_new(0);
    size_t n = b->n;

    c->p = b->p == NULL ? c->p : b->p;
    c->cap = b->cap;
    *b = (struct buf){0};
    return complete(c, n);
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
    clear(b);
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

/* The tail has room for `n` bytes that no other body can see. */
static bool tail_has_room(const struct body *b, size_t n)
{
    const struct part *tail = b->tail;

    return tail != NULL && tail->chunk->refs == 1 &&
           tail->chunk->cap - tail->end >= n;
}

int body_write(struct body *b, const void *p, size_t n)
{
    MUST(b->state == BODY_OPEN);
    if (b->is_abandoned)
        return ERR_CLOSED;
    if (n == 0)
        return 0;
    if (!tail_has_room(b, n))
        push_part(b, chunk_new(n < CHUNK_MIN ? CHUNK_MIN : n), 0, 0);
    memcpy(b->tail->chunk->p + b->tail->end, p, n);
    b->tail->end += n;
    b->buffered += n;
    b->written += (int64_t)n;
    tell(b, b->on_readable, b->reader);
    return 0;
}

bool body_is_full(const struct body *b)
{
    return b->buffered >= BODY_HIGH_WATER;
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
    const struct part *head = b->head;

    *out = (struct slice){0};
    if (b->buffered != 0)
        *out = (struct slice){head->chunk->p + head->at, head->end - head->at};
    return b->state;
}

/* A stream of small writes, each read at once, allocates only once. */
static bool is_reusable(const struct body *b)
{
    const struct part *head = b->head;

    return b->state == BODY_OPEN && head->next == NULL &&
           head->chunk->refs == 1 && head->chunk->cap <= CHUNK_KEEP_MAX;
}

void body_consume(struct body *b, size_t n)
{
    struct part *head = b->head;
    bool was_full = body_is_full(b);

    if (n == 0)
        return;
    MUST(head != NULL && n <= head->end - head->at);
    head->at += n;
    b->buffered -= n;
    if (head->at == head->end) {
        if (is_reusable(b))
            head->at = head->end = 0;
        else
            shift_part(b);
    }
    if (was_full && !body_is_full(b))
        tell(b, b->on_writable, b->writer);
}

size_t body_buffered(const struct body *b)
{
    return b->buffered;
}

int64_t body_length(const struct body *b)
{
    return b->state == BODY_ENDED ? b->written : b->told;
}

int64_t body_left(const struct body *b)
{
    int64_t length = body_length(b);

    return length < 0 ? -1 : length - (b->written - (int64_t)b->buffered);
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
}

void body_abandon(struct body *b)
{
    if (b->is_abandoned)
        return;
    b->is_abandoned = true;
    clear(b);
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

/* Add the bytes of `part` to `b` without copying them. */
static void share(struct body *b, const struct part *part)
{
    size_t n = part->end - part->at;

    if (b->is_abandoned || n == 0)
        return;
    part->chunk->refs++;
    push_part(b, part->chunk, part->at, part->end);
    b->buffered += n;
    b->written += (int64_t)n;
    tell(b, b->on_readable, b->reader);
}

static bool has_room(const struct tee *t)
{
    return !body_is_full(t->to[0]) && !body_is_full(t->to[1]);
}

static bool is_deserted(const struct tee *t)
{
    return t->to[0]->is_abandoned && t->to[1]->is_abandoned;
}

static void move_parts(struct tee *t)
{
    while (t->from->buffered != 0 && !is_deserted(t) &&
           (t->from->state == BODY_ENDED || has_room(t))) {
        struct part part = *t->from->head;

        part.chunk->refs++; /* callbacks may let go of every other reference */
        share(t->to[0], &part);
        share(t->to[1], &part);
        body_consume(t->from, part.end - part.at);
        chunk_drop(part.chunk);
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
    move_parts(t);
    t->is_moving = false;
    if (is_deserted(t) || t->from->state == BODY_FAILED ||
        (t->from->state == BODY_ENDED && t->from->buffered == 0))
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
    *t = (struct tee){.from = b, .to = {body_hold(*one), body_hold(*two)}};
    body_on_readable(b, on_tee, t);
    body_on_writable(t->to[0], on_tee, t);
    body_on_writable(t->to[1], on_tee, t);
    tee_run(t);
}
