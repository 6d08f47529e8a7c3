/*
 * restore.h - a backup becomes the data folder again.
 *
 *   restore_copy: into <data>/restore.part, each file checked by its sum
 *   restore_swap: what was there goes, and that takes its place
 *
 * Up to the second step nothing of the data is touched, and the first can be
 * interrupted and gone on with.  The caller holds the lock of the data folder.
 * Blocks; one thread.
 */
#ifndef HOST_RESTORE_H
#define HOST_RESTORE_H

#include <stdbool.h>

#include "base/err.h"
#include "host/backup.h"
#include "host/copying.h"

/* Whether there is data in the folder, or the log of some. */
bool restore_finds_data(const char *data);
/* Copy the backup `info` in c->from; c->to is the data folder.  ERR_CORRUPT: a
 * file is not as it was written, and which; ERR_NOT_FOUND, ERR_FULL, ERR_IO,
 * ERR_CANCELED. */
int restore_copy(struct copying *c, const struct backup_info *info,
                 struct error *err);
/* ERR_IO: then the data may be neither the old nor the new one, until it is
 * done again. */
int restore_swap(const char *data, struct error *err);

#endif
