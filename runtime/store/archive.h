/*
 * archive.h - what was in the log, by object: history/<sequence>.mkh, one file
 * for each segment that the log does not need any more.
 *
 *   [blocks] [index, by id] [footer]
 *
 * A block has records of one object in their order, without heads, LZ4 over
 * all; the index says where the blocks of an object are.  A file is made under
 * another name, synced, and renamed: it is whole or not there.  Numbers are
 * little-endian.  Any thread; everything blocks.
 */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "base/oid.h"
#include "store/record.h"
#include "store/segment.h"

/* One file, as its footer says. */
struct archive {
    uint64_t sequence; /* of the segment */
    uint64_t previous; /* of the one before it in the log, 0: none */
    uint64_t before;   /* the last commit of the segments before */
    uint64_t last;     /* the last commit in it, or `before` */
    int64_t first_ms;  /* when its first and last commit were; 0: it has none */
    int64_t last_ms;
    uint64_t index_at; /* bytes */
    uint64_t index_n;  /* entries */
};

/* Keep the `index`-th of the live segments, unless it is kept.  `*segments` are
 * the caller's own (segments_load), replayed up to their end.  Returns 0;
 * ERR_FULL, ERR_IO, ERR_CORRUPT: nothing is left behind. */
int archive_segment(struct disk *d, const struct segments *segments,
                    size_t index, struct error *err);

/* Those that are there, by sequence: `*out` is owned by the caller (free).  A
 * file that cannot be understood is passed over.  Returns 0 or ERR_IO. */
int archive_list(struct disk *d, struct archive **out, size_t *n,
                 struct error *err);
/* Call `each` with the records of an object in it, in their order, until it
 * returns other than 0: that is returned.  The record is borrowed.  ERR_IO;
 * ERR_CORRUPT: the file is damaged; ERR_NOT_FOUND: it is gone. */
int archive_each(struct disk *d, const struct archive *a, const struct oid *id,
                 int (*each)(void *arg, uint64_t number,
                             const struct record *r),
                 void *arg, struct error *err);
/* Whether that is the name of one in its folder, and of which segment. */
bool archive_is_name(const char *name, uint64_t *sequence);
/* Read all of it.  Returns 0; ERR_CORRUPT: it is damaged; ERR_NOT_FOUND,
 * ERR_IO.
 */
int archive_check(struct disk *d, uint64_t sequence);
/* Remove the file.  Returns 0 or ERR_IO. */
int archive_remove(struct disk *d, uint64_t sequence);
/* Remove what archive_segment left when it was broken off. */
void archive_sweep(struct disk *d);

#endif
