#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/directory_inside.h"

enum {
    SLOTS_FIRST = 64,
    SLOTS_MOST = 16384, /* that a batch begins with */
    CHUNK_FIRST = 4096,
    CHUNK_MOST = 65536,
};

struct chunk {
    struct chunk *next;
    size_t size;
    char bytes[];
};

struct batch *batch_new(uint32_t expected)
{
    struct batch *b = mem_zalloc(sizeof(*b));

    list_init(&b->link);
    atomic_init(&b->refs, 1);
    b->slot_count = SLOTS_FIRST;
    while (b->slot_count < expected && b->slot_count < SLOTS_MOST)
        b->slot_count *= 2;
    b->slots = mem_zalloc(b->slot_count * sizeof(struct note *));
    return b;
}

void batch_drop(struct batch *b)
{
    if (b == NULL || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    for (struct chunk *c = b->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    free(b->slots);
    free(b);
}

/* `size` bytes of the batch, aligned for a note. */
static void *take(struct batch *b, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (b->chunk_left < size) {
        size_t most = b->chunks == NULL ? CHUNK_FIRST : b->chunks->size * 2;

        most = most > CHUNK_MOST ? CHUNK_MOST : most;
        most = most < size ? size : most;
        struct chunk *c = mem_alloc(sizeof(*c) + most);
        *c = (struct chunk){.next = b->chunks, .size = most};
        b->chunks = c;
        b->chunk_left = most;
    }
    b->chunk_left -= size;
    return b->chunks->bytes + b->chunk_left;
}

static struct slice take_name(struct batch *b, struct slice name)
{
    if (name.n == 0)
        return (struct slice){NULL, 0};
    char *p = take(b, name.n);
    memcpy(p, name.p, name.n);
    return (struct slice){p, name.n};
}

static struct note **slot_of(const struct batch *b, uint32_t class,
                             const struct oid *id)
{
    uint64_t hash = oid_hash(id) + class * UINT64_C(0x9e3779b97f4a7c15);

    return &b->slots[hash & (b->slot_count - 1)];
}

static void grow(struct batch *b)
{
    struct note **old = b->slots;
    uint32_t count = b->slot_count;

    if (b->count < count)
        return;
    b->slot_count = count * 2;
    b->slots = mem_zalloc(b->slot_count * sizeof(struct note *));
    for (uint32_t i = 0; i < count; i++) {
        for (struct note *n = old[i], *next; n != NULL; n = next) {
            struct note **slot = slot_of(b, n->class, &n->id);

            next = n->next;
            n->next = *slot;
            *slot = n;
        }
    }
    free(old);
}

struct note *batch_find(const struct batch *b, uint32_t class,
                        const struct oid *id)
{
    struct note *n = *slot_of(b, class, id);

    while (n != NULL && (n->class != class || !oid_eq(&n->id, id)))
        n = n->next;
    return n;
}

void note_fold(struct note *to, const struct note *from)
{
    unsigned known = from->known;

    if ((known & (DIRECTORY_NEW | DIRECTORY_GONE)) != 0)
        *to = (struct note){.next = to->next,
                            .id = to->id,
                            .class = to->class,
                            .known = known & DIRECTORY_GONE};
    if ((known & DIRECTORY_GONE) != 0)
        return;
    if ((to->known & DIRECTORY_GONE) != 0) {
        /* It was gone and is back: nothing of before counts. */
        to->known = DIRECTORY_NEW;
    }
    if (to->created == 0)
        to->created = from->created;
    to->known |= known;
    if ((known & DIRECTORY_NAME) != 0)
        to->name = from->name;
    if ((known & DIRECTORY_SIZE) != 0) {
        to->bytes = from->bytes;
        to->last_commit = from->last_commit;
    }
    if ((known & DIRECTORY_ALARM) != 0)
        to->next_alarm = from->next_alarm;
    if ((known & DIRECTORY_DEAD) != 0)
        to->dead = from->dead;
}

void batch_add(struct batch *b, const struct note *n)
{
    struct note copy = *n;
    struct note *to = batch_find(b, n->class, &n->id);

    if ((n->known & DIRECTORY_NAME) != 0) {
        bool is_same = to != NULL && slice_eq(to->name, n->name);

        copy.name = is_same ? to->name : take_name(b, n->name);
    }
    if (to == NULL) {
        grow(b);
        struct note **slot = slot_of(b, n->class, &n->id);
        to = take(b, sizeof(*to));
        *to = (struct note){.next = *slot, .id = n->id, .class = n->class};
        *slot = to;
        b->count++;
    }
    note_fold(to, &copy);
}

void pending_init(struct pending *p)
{
    *p = (struct pending){.open = batch_new(0)};
    pthread_mutex_init(&p->mutex, NULL);
    list_init(&p->sealed);
}

static struct batch *batch_of(struct list *link)
{
    return container_of(link, struct batch, link);
}

void pending_fini(struct pending *p)
{
    struct list *i;

    batch_drop(p->open);
    while ((i = list_shift(&p->sealed)) != NULL)
        batch_drop(batch_of(i));
    pthread_mutex_destroy(&p->mutex);
}

/* Nothing is added to the open batch any more; with the mutex. */
static void seal(struct pending *p)
{
    if (p->open->count == 0)
        return;
    uint32_t expected = p->open->count;
    list_push(&p->sealed, &p->open->link);
    p->sealed_notes += expected;
    p->open = batch_new(expected);
}

static size_t length_of(const struct list *l)
{
    size_t n = 0;

    for (const struct list *i = l->next; i != l; i = i->next)
        n++;
    return n;
}

size_t pending_take(struct pending *p, struct batch ***out)
{
    size_t n = 0;

    *out = NULL;
    pthread_mutex_lock(&p->mutex);
    seal(p);
    size_t count = length_of(&p->sealed);
    if (count != 0)
        *out = mem_alloc(count * sizeof(struct batch *));
    for (struct list *i = p->sealed.next; n < count; i = i->next) {
        (*out)[n] = batch_of(i);
        atomic_fetch_add(&(*out)[n++]->refs, 1);
    }
    pthread_mutex_unlock(&p->mutex);
    return count;
}

static void add_all(struct batch *to, const struct batch *from)
{
    for (uint32_t i = 0; i < from->slot_count; i++)
        for (const struct note *n = from->slots[i]; n != NULL; n = n->next)
            batch_add(to, n);
}

/* The `count` sealed ones as one in their place. */
static struct batch *fold_sealed(struct pending *p, struct batch **sealed,
                                 size_t count)
{
    struct batch *all = batch_new(sealed[count - 1]->count);

    for (size_t i = 0; i < count; i++)
        add_all(all, sealed[i]);
    pthread_mutex_lock(&p->mutex);
    for (size_t i = 0; i < count; i++) {
        list_unlink(&sealed[i]->link);
        p->sealed_notes -= sealed[i]->count;
        batch_drop(sealed[i]);
    }
    /* Before what readers have sealed meanwhile. */
    list_insert(p->sealed.next, &all->link);
    p->sealed_notes += all->count;
    pthread_mutex_unlock(&p->mutex);
    return all;
}

struct batch *pending_fold(struct pending *p)
{
    struct batch **sealed;
    size_t count = pending_take(p, &sealed);
    struct batch *all = NULL;

    if (count == 1)
        all = sealed[0];
    else if (count > 1)
        all = fold_sealed(p, sealed, count);
    for (size_t i = 0; i < count; i++)
        batch_drop(sealed[i]);
    free(sealed);
    return all;
}

void pending_written(struct pending *p, struct batch *b)
{
    pthread_mutex_lock(&p->mutex);
    list_unlink(&b->link);
    p->sealed_notes -= b->count;
    pthread_mutex_unlock(&p->mutex);
    batch_drop(b);
}
