#include "base/table.h"

#include "base/mem.h"

enum { LOAD = 4 }; /* members of a bucket, about, behind a trim */

static void put(UT_hash_bucket *b, struct UT_hash_handle *h)
{
    h->hh_prev = NULL;
    h->hh_next = b->hh_head;
    if (b->hh_head != NULL)
        b->hh_head->hh_prev = h;
    b->hh_head = h;
    b->count++;
}

static void move_all(UT_hash_table *t, unsigned count)
{
    UT_hash_bucket *buckets = mem_zalloc(count * sizeof(*buckets));

    for (unsigned i = 0; i < t->num_buckets; i++) {
        struct UT_hash_handle *h = t->buckets[i].hh_head;

        while (h != NULL) {
            struct UT_hash_handle *next = h->hh_next;

            put(&buckets[h->hashv & (count - 1)], h);
            h = next;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
}

void table_trim(UT_hash_table *t)
{
    unsigned count = HASH_INITIAL_NUM_BUCKETS;
    unsigned log2 = HASH_INITIAL_NUM_BUCKETS_LOG2;

    while (count * LOAD < t->num_items) {
        count *= 2;
        log2++;
    }
    if (t->num_buckets < 4 * count)
        return;
    move_all(t, count);
    t->num_buckets = count;
    t->log2_num_buckets = log2;
    /* As if it had just grown to this, and well. */
    t->nonideal_items = 0;
    t->ineff_expands = 0;
    t->noexpand = 0;
}
