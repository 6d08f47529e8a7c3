#include "base/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

enum {
    SIZE_MIN = 512,      /* so that small writes share a block, */
    SIZE_MORE = 4096,    /* and more so when the reader is behind */
    SIZE_KEEP_MAX = 4096 /* an emptied block up to this size is used again */
};

struct chunk {
    uint32_t refs;
    size_t cap;
    char *p; /* behind this struct, or a block of its own that is owned */
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

static void shift(struct chunks *q)
{
    struct part *part = q->head;

    q->head = part->next;
    if (q->head == NULL)
        q->tail = NULL;
    chunk_drop(part->chunk);
    if (part == &q->embedded)
        part->chunk = NULL;
    else
        free(part);
}

void chunks_clear(struct chunks *q)
{
    while (q->head != NULL)
        shift(q);
    q->n = 0;
}

/* Append a run; takes over the reference to `c`. */
static void push(struct chunks *q, struct chunk *c, size_t at, size_t end)
{
    struct part *part = &q->embedded;

    if (q->n == 0)
        chunks_clear(q); /* an emptied block that was kept */
    if (part->chunk != NULL)
        part = mem_alloc(sizeof(*part));
    *part = (struct part){.chunk = c, .at = at, .end = end};
    if (q->tail == NULL)
        q->head = part;
    else
        q->tail->next = part;
    q->tail = part;
    q->n += end - at;
}

static bool has_room(const struct chunks *q, size_t n)
{
    const struct part *tail = q->tail;

    return tail != NULL && tail->chunk->refs == 1 &&
           tail->chunk->cap - tail->end >= n;
}

static size_t block_size(const struct chunks *q, size_t n)
{
    size_t least = q->n == 0 ? SIZE_MIN : SIZE_MORE;

    return n < least ? least : n;
}

void chunks_add(struct chunks *q, const void *p, size_t n)
{
    if (n == 0)
        return;
    if (!has_room(q, n))
        push(q, chunk_new(block_size(q, n)), 0, 0);
    memcpy(q->tail->chunk->p + q->tail->end, p, n);
    q->tail->end += n;
    q->n += n;
}

void chunks_take(struct chunks *q, struct buf *b)
{
    if (b->n != 0) {
        struct chunk *c = chunk_new(0);

        c->p = b->p;
        c->cap = b->cap;
        push(q, c, 0, b->n);
        *b = (struct buf){0};
    }
    buf_fini(b);
}

void chunks_share(struct chunks *q, const struct chunks *from)
{
    const struct part *part = from->head;

    if (from->n == 0)
        return;
    part->chunk->refs++;
    push(q, part->chunk, part->at, part->end);
}

struct slice chunks_first(const struct chunks *q)
{
    const struct part *head = q->head;

    if (q->n == 0)
        return (struct slice){0};
    return (struct slice){head->chunk->p + head->at, head->end - head->at};
}

/* A stream of small writes, each read at once, allocates only once. */
static bool is_reusable(const struct part *part)
{
    return part->next == NULL && part->chunk->refs == 1 &&
           part->chunk->cap <= SIZE_KEEP_MAX;
}

void chunks_skip(struct chunks *q, size_t n)
{
    struct part *head = q->head;

    MUST(n <= q->n && (n == 0 || n <= head->end - head->at));
    if (n == 0)
        return;
    head->at += n;
    q->n -= n;
    if (head->at != head->end)
        return;
    if (is_reusable(head))
        head->at = head->end = 0;
    else
        shift(q);
}
