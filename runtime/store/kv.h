/*
 * kv.h - keys and values of one object: _mk_kv of its database.
 *
 * Keys and values are bytes; what they encode is the business of bindings.
 * Writes join the implicit transaction of db.h.  Every function returns >= 0
 * or ERR_LIMIT (of storage or of a turn), ERR_FULL, ERR_IO, ERR_SQL, ERR_NOMEM
 * with `*err` filled.
 */
#ifndef STORE_KV_H
#define STORE_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/db.h"

enum { KV_KEY_MAX = 2048, KV_ENTRY_MAX = 2097152 };
enum kv_confirm { KV_CONFIRMED, KV_UNCONFIRMED };

/* 1 and `*value` (borrowed until the next call on `d`), or 0 when absent. */
int kv_get(struct db *d, struct slice key, struct slice *value,
           struct error *err);
/* Sizes are checked by the caller (KV_KEY_MAX, KV_ENTRY_MAX). */
int kv_put(struct db *d, struct slice key, struct slice value,
           enum kv_confirm confirm, struct error *err);
/* 1 when the key was there, 0 when not. */
int kv_delete(struct db *d, struct slice key, struct error *err);

struct kv_range {
    struct slice prefix, start, stop; /* p == NULL: none */
    bool start_is_excluded;           /* startAfter */
    bool reverse;
    int64_t limit; /* -1: none */
};

struct kv_list; /* an iteration that shows the storage as it was at its start */

/* `range` is copied.  The list is freed with kv_list_free, also after
 * db_close.  Reads in pieces of 64 KiB; keeps in memory what is changed before
 * it comes to it. */
int kv_list_new(struct db *d, const struct kv_range *range,
                struct kv_list **out, struct error *err);
/* 1 and the next entry (borrowed until the next call on `l` or its db), 0 at
 * the end, ERR_CANCELED after deleteAll or when more than 32 MiB that it had
 * not come to was changed, ERR_CLOSED after db_close. */
int kv_list_next(struct kv_list *l, struct slice *key, struct slice *value,
                 struct error *err);
void kv_list_free(struct kv_list *l); /* NULL is allowed */

#endif
