#include "vm/block.h"

#include <string.h>

struct hole {
    struct hole *next;
    size_t n; /* only over BLOCK_SMALL */
};

static void **list_of(struct block *b, size_t n)
{
    return &b->holes[n > BLOCK_SMALL ? 0 : n / BLOCK_UNIT];
}

/* Out of the first large hole that has as much; the rest stays one. */
static void *cut(struct block *b, size_t n)
{
    void **at = &b->holes[0];

    while (*at != NULL && ((struct hole *)*at)->n < n)
        at = (void **)&((struct hole *)*at)->next;
    struct hole *h = *at;
    if (h == NULL)
        return NULL;
    *at = h->next;
    if (h->n > n)
        block_give(b, (char *)h + n, h->n - n);
    return h;
}

static void *take_new(struct block *b, size_t n)
{
    if (n > b->n - b->used)
        return NULL;
    char *p = b->begin + b->used;

    b->used += n;
    return p;
}

void *block_take(struct block *b, size_t n)
{
    n = block_round(n);
    void **list = list_of(b, n);
    void *p = NULL;

    if (n <= BLOCK_SMALL && *list != NULL) {
        p = *list;
        *list = ((struct hole *)p)->next;
    }
    if (p == NULL)
        p = cut(b, n);
    return p == NULL ? take_new(b, n) : p;
}

void block_give(struct block *b, void *p, size_t n)
{
    struct hole *h = p;

    n = block_round(n);
    if (b->is_clean)
        memset(p, 0, n);
    void **list = list_of(b, n);
    h->next = *list;
    *list = h;
    if (n > BLOCK_SMALL)
        h->n = n;
}

void block_shrink(struct block *b, void *p, size_t old, size_t n)
{
    size_t rest = block_round(old) - block_round(n);

    if (rest > 0)
        block_give(b, (char *)p + block_round(n), rest);
}
