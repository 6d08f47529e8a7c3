/*
 * adopt.h - a plain SQLite file as the database of an object: whether it may be
 * one, and a copy of it that is.
 *
 * What comes from outside is believed nothing: pages, the runtime's tables and
 * whatever hangs off them are looked at.  Any thread; blocks.
 */
#ifndef STORE_ADOPT_H
#define STORE_ADOPT_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct adopted {
    int64_t bytes; /* of the copy */
    int64_t next_alarm, dead;
};

/*
 * Copy the database in the file `from`, also one in WAL mode or in use, to
 * `to`, where nothing is; the copy is the database of an object called `name`
 * (empty: without one).  On failure nothing is at `to`.
 *
 * ERR_NOT_FOUND; ERR_INVALID: it is no SQLite file, is damaged, or not that of
 * an object, and what is wrong; ERR_LIMIT: larger than `max_bytes` (0: no
 * bound); ERR_FULL, ERR_IO.
 */
int adopt_copy(const char *from, const char *to, struct slice name,
               int64_t max_bytes, struct adopted *out, struct error *err);

#endif
