/*
 * snapshot.h - copies of a store that goes on, all of it or one object, as of
 * one point in the log.
 *
 *   store_hold_log --> copy the objects' files, in whatever state they are
 *   store_point    --> the last commit that counts
 *   snapshot_apply --> the copies become what they were after that commit
 *   store_let_log_go
 *
 * A file that is copied while it is written has a mixture of old and new pages.
 * Whatever is written to it meanwhile was committed to the part of the log that
 * is held, with whole pages first, so that replaying that part makes good every
 * page; and nothing reaches a file before it is durable, so that no copy is
 * ahead of a point that is taken after it.
 *
 * Needs no store of its own: the data folder may be another process's.  Any
 * thread; blocks.
 */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "base/logline.h"
#include "base/oid.h"

struct snapshot {
    struct disk *from;     /* the data folder */
    struct disk *to;       /* a folder with copies: objects/Class/... */
    uint64_t oldest, upto; /* of store_hold_log and store_point */
    struct logger *logger; /* NULL: silent */
    /* This object alone; NULL: all. */
    const char *class_name;
    const struct oid *id;
    /* Absolute path of the copy's directory.sqlite, which learns of what is
     * replayed; NULL: there is none. */
    const char *directory;
};

/* Bring the copies up to s->upto, and make them durable.  ERR_CORRUPT,
 * ERR_FULL, ERR_IO; done again, it does the same. */
int snapshot_apply(const struct snapshot *s, struct error *err);
/* Copy a directory.sqlite that somebody else writes, as of one moment, to a
 * path where nothing is.  ERR_CORRUPT, ERR_FULL, ERR_IO. */
int snapshot_directory(const char *from, const char *to, struct error *err);
/* "objects/<Class>/<hh>/<id>.sqlite"; owned by the caller. */
char *snapshot_path(const char *class_name, const struct oid *id);

#endif
