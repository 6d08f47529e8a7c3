/*
 * past_inside.h - shared by past.c (where the records are) and past_image.c
 * (what they say).  Nobody else includes it.
 */
#ifndef STORE_PAST_INSIDE_H
#define STORE_PAST_INSIDE_H

#include "store/past.h"
#include "store/record.h"

/* Other than 0 ends it. */
typedef int (*past_each_cb)(void *arg, uint64_t number, const struct record *r);

/* The object's records from the archive with index `first` on (p->n: of the log
 * alone), in their order.  Returns what ended it, or ERR_*. */
int past_each(const struct past *p, const struct oid *id, size_t first,
              past_each_cb each, void *arg, struct error *err);
/* The index of the first archive that has commits from `number` on; p->n: none
 * has. */
size_t past_archive_of(const struct past *p, uint64_t number);

#endif
