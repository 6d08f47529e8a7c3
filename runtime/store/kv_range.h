/*
 * kv_range.h - what is left to read of a range of keys: from `low` up to,
 * without, `high`.  Pure data.
 */
#ifndef STORE_KV_RANGE_H
#define STORE_KV_RANGE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "store/kv.h"

struct kv_rest {
    struct buf low, high; /* owned */
};

/* As memcmp, a shorter key before a longer one that begins with it. */
int kv_key_compare(struct slice a, struct slice b);
/* The bounds that prefix, start and stop make together. */
void kv_rest_init(struct kv_rest *r, const struct kv_range *range);
void kv_rest_fini(struct kv_rest *r);
bool kv_rest_has(const struct kv_rest *r, struct slice key);
bool kv_rest_is_empty(const struct kv_rest *r);
/* All up to `key`, itself included, has been read (from `key` on when
 * `reverse`). */
void kv_rest_pass(struct kv_rest *r, struct slice key, bool reverse);

#endif
