/*
 * kv_list.h - what the rest of store tells the open lists of a db, so that
 * each goes on showing the storage as it was at its start.
 */
#ifndef STORE_KV_LIST_H
#define STORE_KV_LIST_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/db_conn.h"

/* `key` is about to be written: lists that have not come to it yet keep its
 * present value.  Returns 0 or ERR_*. */
int kv_list_before_write(struct db *d, struct slice key, struct error *err);
/* Writes since the `kv_writes`-th are about to be undone: lists that began
 * after some of them read their rest now. */
void kv_list_before_undo(struct db *d, uint64_t kv_writes);
/* Every list ends with `why`. */
void kv_list_cancel(struct db *d, const struct error *why);

#endif
