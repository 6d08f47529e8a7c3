/*
 * annotations.h - what editors need to know of the script API (lua/library), as
 * files.
 */
#ifndef CLI_ANNOTATIONS_H
#define CLI_ANNOTATIONS_H

#include "base/err.h"

/*
 * Write them into `folder`, which is made if need be (not those above it);
 * files of the same names are replaced.  Returns 0 or ERR_IO, which names the
 * path. Blocks on the disk.
 */
int annotations_write(const char *folder, struct error *err);

#endif
