/*
 * kv_saved.h - the values that keys had when a list began, of those that were
 * written before the list came to them; sorted by key.
 */
#ifndef STORE_KV_SAVED_H
#define STORE_KV_SAVED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct kv_entry {
    struct slice key, value;
    bool is_absent; /* the key was not there */
};

/* Zero-initialized is valid and empty. */
struct kv_saved {
    struct kv_entry **v; /* owned, each with its bytes behind it */
    size_t first, end;   /* those in use */
    size_t cap;
    size_t bytes; /* of memory, about */
};

bool kv_saved_has(const struct kv_saved *s, struct slice key);
/* Keep a copy of `e`, whose key is not there yet.  Returns 0 or ERR_NOMEM. */
int kv_saved_add(struct kv_saved *s, const struct kv_entry *e);
/* The first in the order of a list (the last one when `reverse`), or NULL. */
const struct kv_entry *kv_saved_peek(const struct kv_saved *s, bool reverse);
/* Forget the one that peek shows. */
void kv_saved_drop(struct kv_saved *s, bool reverse);
void kv_saved_fini(struct kv_saved *s);

#endif
