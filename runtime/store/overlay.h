/*
 * overlay.h - pages of one database that are not in its file: a table from
 * page number to page.
 *
 * A page does not change once it is committed, so it may be in several tables
 * and be read by the checkpoint thread: it is counted.  A table belongs to one
 * thread.
 */
#ifndef STORE_OVERLAY_H
#define STORE_OVERLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { STORE_PAGE = 4096 }; /* bytes of a page, of every database here */

struct page {
    atomic_uint refs;
    uint32_t epoch; /* of the page file when this version was logged */
    /* Owned; STORE_PAGE of them, apart: a few bytes more than a page take a
     * quarter more of memory. */
    uint8_t *bytes;
};

/* A page with one reference, not cleared. */
struct page *page_new(void);
struct page *page_hold(struct page *p);
void page_drop(struct page *p); /* NULL is allowed */

enum { PAGE_POOL_MAX = 32 };

/* Pages at hand for the next commits: the one that is given back last is in the
 * processor's caches still.  Zero-initialized is empty; of one thread. */
struct page_pool {
    struct page *pages[PAGE_POOL_MAX]; /* owned; n of them */
    unsigned n;
};

/* As page_new and page_drop, from the pool and to it. */
struct page *page_take(struct page_pool *pool);
void page_give(struct page_pool *pool, struct page *p);
void page_pool_fini(struct page_pool *pool);

struct overlay_slot {
    uint32_t number; /* from 1; 0: empty */
    struct page *page;
};

/* Zero-initialized is empty.  Each page in it is one reference. */
struct overlay {
    struct overlay_slot *slots; /* cap of them, a power of two */
    uint32_t cap, count;
};

/* Borrowed until the table changes; NULL when absent. */
struct page *overlay_get(const struct overlay *o, uint32_t number);
/* The number is in the table, be it with a page or with NULL. */
bool overlay_has(const struct overlay *o, uint32_t number);
/* Takes over the reference to `p`; returns the page that was there, owned by
 * the caller, or NULL. */
struct page *overlay_put(struct overlay *o, uint32_t number, struct page *p);
/* Remove; the page, owned by the caller, or NULL. */
struct page *overlay_take(struct overlay *o, uint32_t number);
/* Drop all pages and keep a small table for the next ones. */
void overlay_clear(struct overlay *o);
void overlay_fini(struct overlay *o);

#endif
