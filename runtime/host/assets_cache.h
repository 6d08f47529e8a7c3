/*
 * assets_cache.h - what was found in the folder of assets, by path: bounded,
 * the least recently used goes first.
 */
#ifndef HOST_ASSETS_CACHE_H
#define HOST_ASSETS_CACHE_H

#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "host/assets_look.h"

enum {
    ASSETS_CACHE_BYTES = 8 * 1024 * 1024, /* of files */
    ASSETS_CACHE_COUNT = 4096
};

struct assets_entry;

/* Zero-initialized but for the list is empty. */
struct assets_cache {
    struct assets_entry *table; /* hash by path */
    struct list recent;         /* the last used at its tail */
    size_t count, bytes;
};

/* What is known of a path; kind MISSING, INDEXED or SMALL. */
struct assets_known {
    enum assets_kind kind;
    struct assets_meta meta;
    uint64_t at_ms;     /* when it was looked at */
    struct slice bytes; /* SMALL; borrowed */
};

/* For tables by path. */
unsigned assets_cache_hash(struct slice path);
void assets_cache_init(struct assets_cache *c);
void assets_cache_fini(struct assets_cache *c);
/* The entry of `path`, NULL without one; it is now the last used. */
const struct assets_known *assets_cache_find(struct assets_cache *c,
                                             struct slice path);
/* Put what was found at `now_ms` in the place of what was known.  SMALL: the
 * bytes are taken over; LARGE and FAILED: nothing is known any more; SAME: it
 * is so still. */
void assets_cache_note(struct assets_cache *c, struct slice path,
                       struct assets_found *found, uint64_t now_ms);

#endif
