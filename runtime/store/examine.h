/*
 * examine.h - an object's file, or another database of the data folder, looked
 * at by SQLite alone, beside whoever uses it.
 *
 * Nothing is locked and nothing written.  What is found wrong with a file that
 * is being written means nothing: ask its owner (contents.h).  Any thread.
 */
#ifndef STORE_EXAMINE_H
#define STORE_EXAMINE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct examined {
    struct buf name; /* owned; empty: it has none */
    int64_t next_alarm, dead;
    int64_t bytes; /* of the file */
};

/* Look at every page of an object's file (PRAGMA quick_check), and at what it
 * says of itself.  Returns 0 and `*out` to be freed; ERR_CORRUPT with the first
 * thing that is wrong, ERR_NOT_FOUND, ERR_IO. */
int examine_object(const char *path, struct examined *out, struct error *err);
void examined_fini(struct examined *e);
/* The sum of a file's bytes (XXH3, 128 bits) as 32 hex digits and a NUL.
 * ERR_NOT_FOUND, ERR_IO. */
enum { EXAMINE_SUM = 33 };
int examine_sum(const char *path, char out[EXAMINE_SUM], struct error *err);
/* Look at every page of a file in WAL mode that others write. */
int examine_shared(const char *path, struct error *err);

#endif
