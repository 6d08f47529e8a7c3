/*
 * sql_cache.h - compiled statements of one object: those at rest are kept,
 * found by their text; one at work belongs to its cursor and is not here, so
 * the same text is compiled anew meanwhile.
 *
 *   take --> bound, stepped --> give back (reset) --> ... --> least used: freed
 */
#ifndef STORE_SQL_CACHE_H
#define STORE_SQL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

enum {
    SQL_CACHE_TEXT_MAX = 1048576, /* bytes of SQL text */
    SQL_CACHE_BYTES_MAX = 131072, /* of memory, while the object is at work */
    SQL_CACHE_IDLE_MAX = 16384,   /* of memory, when it has nothing to do */
};

struct sqlite3_stmt;

/* Column names, shared by the cursors of a statement. */
struct sql_columns {
    uint32_t refs;
    int count;
    struct slice names[];
};

struct sql_stmt {
    struct list link; /* in the cache while at rest */
    struct sqlite3_stmt *stmt;
    struct sql_columns *columns; /* NULL until asked for */
    uint64_t hash;
    size_t text_n, bytes;
    bool is_write; /* may change the database */
    bool is_kept;  /* goes into the cache */
    bool reads;    /* as in struct sql_policy */
    bool creates;
    bool drops;
};

/* Zero-initialized but for `idle`: list_init. */
struct sql_cache {
    struct list idle; /* the last used first */
    size_t text_n, bytes;
};

/* The statement compiled from exactly `text`, now the caller's, or NULL. */
struct sql_stmt *sql_cache_take(struct sql_cache *c, struct slice text);
/* Wrap `stmt`, which it owns from now on; `is_kept` when later calls with its
 * text may have it. */
struct sql_stmt *sql_stmt_new(struct sqlite3_stmt *stmt, bool is_kept);
/* Reset the statement and keep it, or free it. */
void sql_cache_give(struct sql_cache *c, struct sql_stmt *s);
/* Free statements, the longest unused first, until `bytes` are left. */
void sql_cache_shrink(struct sql_cache *c, size_t bytes);
void sql_cache_clear(struct sql_cache *c);

/* The names of the columns as they are now, with a reference for the caller. */
struct sql_columns *sql_stmt_columns(struct sql_stmt *s);
void sql_columns_drop(struct sql_columns *c); /* NULL is allowed */

#endif
