/*
 * kv_recent.h - the last few short entries of one object that were read or
 * written: a turn mostly reads what the one before wrote, and asking SQLite
 * costs as much as the rest of a get.
 *
 * Holds only what the open transaction sees: forgotten when something is
 * undone.  Owned by a struct db.
 */
#ifndef STORE_KV_RECENT_H
#define STORE_KV_RECENT_H

#include <stdbool.h>

#include "base/slice.h"

struct kv_recent; /* opaque: kv_recent.c */

/* Whether the value of `key` is known; then `*value` is it, borrowed until the
 * next call that is given `r`.  NULL is allowed and knows nothing. */
bool kv_recent_find(const struct kv_recent *r, struct slice key,
                    struct slice *value);
/* `key` has that value now; both are copied if they are short, else nothing is
 * known of `key` any more.  `*r` is made when it is NULL. */
void kv_recent_set(struct kv_recent **r, struct slice key, struct slice value);
/* Nothing is known of `key` any more.  NULL is allowed. */
void kv_recent_drop(struct kv_recent *r, struct slice key);
/* Nothing is known of any key any more; free it.  `*r` becomes NULL. */
void kv_recent_forget(struct kv_recent **r);

#endif
