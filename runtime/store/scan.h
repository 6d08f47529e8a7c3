/*
 * scan.h - read the records of the log in order, and tell a torn tail from
 * damage.
 *
 * A crash leaves at the end of the last segment whatever the disk made of a
 * batch that was not synced.  Each record says what was durable when it was
 * written: one that is intact, stands behind a bad place and says that what
 * should stand there was durable, is the proof of damage.
 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/logline.h"
#include "store/record.h"
#include "store/segment.h"

struct scan {
    const struct segments *segments; /* borrowed */
    struct logger *logger;           /* borrowed; may be NULL */
    size_t index;                    /* of the live segment */
    int64_t at;                      /* the next record's offset in it */
    uint64_t last;                   /* number of the last record read */
    char *window;                    /* bytes of the segment, owned */
    size_t window_cap;
    int64_t window_at, window_n;
    bool is_at_end;
};

void scan_init(struct scan *s, const struct segments *segments,
               struct logger *logger);
/* Read the next record; slices are borrowed until the next call.  Returns 1,
 * 0 at the end of the log, ERR_CORRUPT, ERR_IO. */
int scan_next(struct scan *s, struct record_head *head, struct record *out,
              struct error *err);
void scan_fini(struct scan *s);

#endif
