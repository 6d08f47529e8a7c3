/*
 * archive_inside.h - the bytes of an archive, for the two files that write and
 * read it.  Nobody else includes it.
 */
#ifndef STORE_ARCHIVE_INSIDE_H
#define STORE_ARCHIVE_INSIDE_H

#include <stdint.h>

#include "store/archive.h"

#define ARCHIVE_FOLDER "history"
/* Until it is whole. */
#define ARCHIVE_MAKING ARCHIVE_FOLDER "/making"

enum { ARCHIVE_NAME_MAX = 40 };

/* Ends the file; the sum (XXH3) is over what is before it. */
struct archive_footer {
    char magic[8];
    uint64_t sequence, previous, before, last;
    int64_t first_ms, last_ms;
    uint64_t index_at, index_n, sum;
};

/* A block; those of an object follow each other. */
struct archive_entry {
    uint8_t id[OID_SIZE];
    uint64_t at;            /* of the block */
    uint32_t packed, plain; /* bytes */
    uint64_t sum;           /* of the packed ones */
    uint64_t own_sum;       /* (XXH3) of what is before it here */
};

/* Before each record in a block; as a whole a multiple of 8 bytes. */
struct archive_part {
    uint64_t number;   /* of the commit */
    uint64_t body_sum; /* as in its head */
    uint32_t length;   /* of the body that follows */
    uint32_t unused;
};

extern const char archive_magic[8];

/* "history/000000000000002a.mkh" into `out`. */
void archive_name(uint64_t sequence, char out[ARCHIVE_NAME_MAX]);
uint64_t archive_sum(const struct archive_footer *f);
uint64_t archive_entry_sum(const struct archive_entry *e);

#endif
