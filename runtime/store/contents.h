/*
 * contents.h - what an object's database holds, for those who look at it from
 * outside: keys without their values, the script's tables, whether it is whole.
 *
 * On the object's thread.  Functions return >= 0 or ERR_IO, ERR_CORRUPT,
 * ERR_NOMEM, ERR_SQL with `*err` filled.
 */
#ifndef STORE_CONTENTS_H
#define STORE_CONTENTS_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/db.h"

enum { CONTENTS_COUNT_MAX = 100000 /* rows; more are not counted */ };

/* Number of keys; CONTENTS_COUNT_MAX + 1: more than are counted. */
int64_t contents_key_count(struct db *d, struct error *err);
/* Call each(arg, key, bytes of the value) for the first `limit` keys.  `each`
 * calls nothing on `d`. */
int contents_keys(struct db *d, int limit,
                  void (*each)(void *arg, struct slice key, int64_t bytes),
                  void *arg, struct error *err);
/* Call each(arg, name, rows) for the tables that the script made, by name;
 * `rows` as above, or -1: it cannot be read. */
int contents_tables(struct db *d,
                    void (*each)(void *arg, const char *name, int64_t rows),
                    void *arg, struct error *err);
/* What quick_check says, without the line that names the database. */
const char *contents_complaint(const char *said);
/* Look at every page (PRAGMA quick_check).  ERR_CORRUPT with the first thing
 * that is wrong. */
int contents_check(struct db *d, struct error *err);

#endif
