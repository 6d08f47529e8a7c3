#include "object/due.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

static int compare(const struct due *a, const struct due *b)
{
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return memcmp(&a->id, &b->id, sizeof(a->id));
}

static void place(struct due_heap *h, struct due *d, size_t at)
{
    h->heap[at] = d;
    d->at = at;
}

static void sift_up(struct due_heap *h, struct due *d, size_t at)
{
    while (at > 0 && compare(d, h->heap[(at - 1) / 2]) < 0) {
        place(h, h->heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(h, d, at);
}

static void sift_down(struct due_heap *h, struct due *d, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= h->count)
            break;
        if (child + 1 < h->count &&
            compare(h->heap[child + 1], h->heap[child]) < 0)
            child++;
        if (compare(h->heap[child], d) >= 0)
            break;
        place(h, h->heap[child], at);
        at = child;
    }
    place(h, d, at);
}

/* `d` stands at `at`, its time is another one. */
static void sift(struct due_heap *h, struct due *d, size_t at)
{
    if (at > 0 && compare(d, h->heap[(at - 1) / 2]) < 0)
        sift_up(h, d, at);
    else
        sift_down(h, d, at);
}

/* The low bits choose the worker. */
static unsigned hash_of(const struct oid *id)
{
    return (unsigned)(oid_hash(id) >> 32);
}

struct due *due_find(const struct due_heap *h, const struct oid *id)
{
    struct due *d = NULL;

    HASH_FIND_BYHASHVALUE(hh, h->by_id, id, sizeof(*id), hash_of(id), d);
    return d;
}

struct due *due_first(const struct due_heap *h)
{
    return h->count == 0 ? NULL : h->heap[0];
}

static struct due *add(struct due_heap *h, const struct object_class *cls,
                       const struct oid *id)
{
    struct due *d = mem_zalloc(sizeof(*d));

    if (h->count == h->cap) {
        h->cap = h->cap == 0 ? 64 : 2 * h->cap;
        h->heap = mem_realloc(h->heap, h->cap * sizeof(struct due *));
    }
    d->id = *id;
    d->cls = cls;
    HASH_ADD_BYHASHVALUE(hh, h->by_id, id, sizeof(d->id), hash_of(id), d);
    place(h, d, h->count++);
    return d;
}

struct due *due_set(struct due_heap *h, const struct object_class *cls,
                    const struct oid *id, int64_t time)
{
    struct due *d = due_find(h, id);

    if (d == NULL)
        d = add(h, cls, id);
    d->time = time;
    d->trouble = 0;
    sift(h, d, d->at);
    return d;
}

void due_name(struct due *d, struct slice name)
{
    if (d->name != NULL || name.n == 0)
        return;
    d->name = mem_dup(name.p, name.n);
    d->name_n = name.n;
}

static void drop(struct due_heap *h, struct due *d)
{
    HASH_DEL(h->by_id, d);
    free(d->name);
    free(d);
}

void due_remove(struct due_heap *h, struct due *d)
{
    struct due *last = h->heap[--h->count];
    size_t at = d->at;

    drop(h, d);
    if (at != h->count)
        sift(h, last, at);
}

static int compare_entries(const void *a, const void *b)
{
    struct due *const *left = a;
    struct due *const *right = b;

    return compare(*left, *right);
}

void due_trim(struct due_heap *h, size_t count, int64_t *time, struct oid *id)
{
    MUST(count < h->count);
    /* What is in order is a heap. */
    qsort(h->heap, h->count, sizeof(struct due *), compare_entries);
    *time = h->heap[count]->time;
    *id = h->heap[count]->id;
    for (size_t i = 0; i < count; i++)
        h->heap[i]->at = i;
    while (h->count > count)
        drop(h, h->heap[--h->count]);
}

void due_fini(struct due_heap *h)
{
    while (h->count > 0)
        drop(h, h->heap[--h->count]);
    free(h->heap);
    *h = (struct due_heap){0};
}
