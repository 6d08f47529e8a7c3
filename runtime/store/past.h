/*
 * past.h - the records of one object, from the archives and the log, and what
 * the object was after one of them.
 *
 *   commits up to `at` --whole images, differences--> pages logged after it as
 *   differences;  commits behind it --how pages were--> all others that they
 *   touch;  a reset behind it --base.h--> the rest, else as they are now
 *
 * Any thread but a worker's; blocks.
 */
#ifndef STORE_PAST_H
#define STORE_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oid.h"
#include "store/archive.h"
#include "store/overlay.h"

struct store;

/* Everything of the past that there is, held until past_close. */
struct past {
    struct store *store;
    struct archive *archives; /* owned; those that join up with the log */
    size_t n;
    struct segments log; /* own files */
    uint64_t upto;       /* the last commit that counts */
    uint64_t from;       /* what was after an earlier commit is not known */
    int64_t from_ms;     /* when that was; 0: the beginning of everything */
};

/* Returns 0, ERR_IO, ERR_CORRUPT; then nothing is to be closed. */
int past_open(struct store *s, struct past *out, struct error *err);
void past_close(struct past *p);
/* ERR_NOT_FOUND: history does not go back that far. */
int past_too_far(struct error *err);

/* Of the object's commits after `number` the first that goes back to what was,
 * to `*out`; 0: there is none.  ERR_*. */
int past_find_restore(const struct past *p, const struct oid *id,
                      uint64_t number, uint64_t *out, struct error *err);
/* The last commit of all before `time_ms`, as far as it makes a difference to
 * the object.  ERR_NOT_FOUND: the past does not go back that far; ERR_*. */
int past_find_time(const struct past *p, const struct oid *id, int64_t time_ms,
                   uint64_t *out, struct error *err);

/* What an object was. */
struct history_image {
    bool is_as_now; /* nothing has changed since */
    bool exists;    /* it had storage */
    bool has_count; /* false: as many pages as now */
    uint32_t count; /* pages of its database */
    bool is_whole;  /* false: pages that are not here are as now */
    struct overlay pages;
};

/* The object after commit `at` (at least p->from).  `*out` is zeroed, and to be
 * freed by history_image_fini in any case.  ERR_NOT_FOUND: the past does not
 * say; ERR_LIMIT: more pages than can be held; ERR_CORRUPT, ERR_IO. */
int past_image(const struct past *p, const struct oid *id, uint64_t at,
               struct history_image *out, struct error *err);
void history_image_fini(struct history_image *i);

#endif
