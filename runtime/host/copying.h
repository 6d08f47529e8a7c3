/*
 * copying.h - the objects' files from one data folder to another, while the
 * first may be in use: what a backup and its restoring are made of.
 *
 * What was copied before and has not changed since is passed over, so that a
 * copy can be interrupted and gone on with.  Whether a file has changed its
 * size and time of change tell; a copy gets the time of the original, unless
 * that is so short ago that it may change again without showing it.  Files and
 * folders are for their owner alone, who is that of the folder they are made
 * in.
 */
#ifndef HOST_COPYING_H
#define HOST_COPYING_H

#include <stdint.h>

#include "base/err.h"

struct copying {
    const char *from, *to; /* data folders; borrowed */
    /* Called after each file and within large ones; non-zero ends it with
     * ERR_CANCELED.  NULL: nobody. */
    int (*progress)(void *arg, const struct copying *c);
    void *arg;
    int64_t total, done; /* bytes; passed over ones as well */
    int64_t files, passed_over;
};

/* Add up c->total.  ERR_IO. */
int copying_measure(struct copying *c, struct error *err);
/* Copy objects/ and remove from the copy what is not there any more.  ERR_FULL,
 * ERR_IO, ERR_CANCELED. */
int copying_objects(struct copying *c, struct error *err);
/* Copy the one file at `path` of the folders, and make the folders above.  One
 * that is not there (any more) is no error: ERR_NOT_FOUND without a text. */
int copying_file(struct copying *c, const char *path, struct error *err);
/* Make a folder and those above it, for its owner alone.  ERR_IO. */
int copying_make_folder(const char *path, struct error *err);
/* Remove a folder with all that is in it.  ERR_IO; 0 when it is not there. */
int copying_remove(const char *path, struct error *err);
/* Make everything in the file system of `path` durable.  ERR_IO. */
int copying_sync(const char *path, struct error *err);

/* Call each(arg, path) for every object's file below `folder`: "objects/...",
 * in the order of their names; stops at non-zero and returns that.  ERR_IO. */
int copying_each(const char *folder, int (*each)(void *arg, const char *path),
                 void *arg, struct error *err);

#endif
