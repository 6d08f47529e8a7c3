/*
 * segment.h - the files of the commit log: log/<slot>.seg, each a head of 512
 * bytes and records after it.
 *
 *   free slot --claim--> head written and synced --> live, written --> live,
 *   full --> not needed any more --> free slot, its file used again
 *
 * The head is durable before the first record, so a sequence number is used
 * for one filling of one file only and a record left over from an earlier
 * filling is known by its number.  The head also says which segments are still
 * needed, and where the one before ends: what stands behind that is void.
 *
 * Blocks on the disk.  One thread, but for what log.c locks.
 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"

enum { SEGMENT_HEAD = 512, SEGMENT_NAME_MAX = 32 };

struct segment_head {
    uint64_t sequence;      /* from 1; 0: not a valid head */
    uint64_t oldest;        /* the first sequence still needed then */
    uint64_t previous;      /* the sequence before it in the log, 0: none */
    uint64_t previous_last; /* the last commit of the segments before */
};

struct segment {
    uint32_t slot;
    struct file *file; /* owned */
    int64_t size;      /* bytes claimed */
    struct segment_head head;
    uint64_t last; /* the last commit in it, once another one follows */
};

struct segments {
    struct disk *disk;    /* borrowed */
    int64_t bytes;        /* size of a new one */
    struct segment *live; /* oldest first; the last one is written to */
    size_t live_count;
    struct segment *free; /* files to use again */
    size_t free_count;
    uint64_t next; /* sequence number of the next segment */
    bool is_guest; /* the files are another's: they are only read */
    /* A head that may be there ends the live segment, so nothing may be
     * written to it any more. */
    bool is_ended;
};

/* "log/0000002a.seg" into `out`. */
void segment_name(uint32_t slot, char out[SEGMENT_NAME_MAX]);

/*
 * Open what is in log/ and sort it: `live` is what must be replayed.
 *
 * Returns 0, ERR_IO, or ERR_CORRUPT when a needed segment is missing or its
 * head is damaged.
 */
int segments_load(struct segments *s, struct disk *disk, int64_t bytes,
                  struct error *err);
/* The same of a log that somebody else writes: what is needed of it from the
 * segment with sequence `oldest` on, only to be read.  On failure there is
 * nothing to close. */
int segments_load_guest(struct segments *s, struct disk *disk, uint64_t oldest,
                        struct error *err);
/* Close all files. */
void segments_fini(struct segments *s);

/*
 * Claim room for a new segment with at least `need` bytes of records, write
 * its head and make it durable: the log before it ends with commit `last`, and
 * segments before `oldest` are not needed.  `live` does not change;
 * segments_push makes `*out` the live one.
 *
 * Returns 0, ERR_FULL, ERR_IO; then `is_ended` says whether the live segment
 * may still be written to.
 */
int segments_claim(struct segments *s, uint64_t oldest, uint64_t last,
                   int64_t need, struct segment *out);
void segments_push(struct segments *s, const struct segment *segment);
/* Make live segments before `oldest` free again, never the last one. */
void segments_retire(struct segments *s, uint64_t oldest);
/* Remove free files that the next segments will hardly need. */
void segments_trim(struct segments *s);

#endif
