/*
 * base.h - an object's file as it was when the object was reset
 * (history/objects/<hh>/<id>-<commit>.sqlite): what history goes back from
 * where nothing of the object is left, and its record could not tell it.
 *
 * With the pages of the reset's record over it, it is the object just before
 * that commit.  Any thread; blocks.
 */
#ifndef STORE_BASE_H
#define STORE_BASE_H

#include <stdint.h>

#include "base/disk.h"
#include "base/oid.h"

/* Its path for the reset by commit `number`; owned by the caller. */
char *base_path(const struct oid *id, uint64_t number);
/* 1 when it is there, 0 when not, or ERR_IO. */
int base_is_kept(struct disk *d, const char *base);
/* Move the object's file at `path`, if there is one, to `base`, durably, unless
 * that is there: a checkpoint may be made again.  Returns 0, ERR_FULL, ERR_IO.
 */
int base_keep(struct disk *d, const char *path, const char *base);
/* Remove those of resets by commits before `oldest`.  Returns 0 or ERR_IO. */
int base_expire(struct disk *d, uint64_t oldest);

#endif
