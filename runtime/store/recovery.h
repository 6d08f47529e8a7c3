/*
 * recovery.h - bring the objects' files up to the log.
 *
 * Records are replayed in order in memory; then the pages go to the files.
 * Nothing of the log is changed, so that it can be interrupted and begun again
 * at any point.
 */
#ifndef STORE_RECOVERY_H
#define STORE_RECOVERY_H

#include <stdint.h>

#include "base/err.h"
#include "base/logline.h"
#include "store/directory.h"
#include "store/segment.h"

struct recovery_report {
    uint64_t last;    /* the last commit in the log, 0: none ever */
    uint64_t records; /* replayed */
};

/* What is replayed, and onto which files. */
struct recovery {
    const struct segments *segments; /* the live ones; borrowed */
    struct disk *disk;               /* that has the objects' files */
    struct directory *directory;     /* NULL: nobody is told */
    struct logger *logger;           /* NULL: silent */
    uint64_t upto;                   /* the last commit that counts */
    bool keeps_bases;                /* base.h */
    /* This object alone; NULL: all. */
    const char *class_name;
    const struct oid *id;
};

/*
 * Replay the log, note in the directory each object that is in it, and make
 * the files and the directory durable.  A tail of the last segment that was
 * torn by a crash is reported to the logger.  Files may be ahead of the log's
 * beginning, as long as they are not ahead of `upto`.
 *
 * Returns 0, ERR_FULL, ERR_IO, or ERR_CORRUPT when a record before the tail is
 * damaged: `*err` names segment, offset and the way out.
 */
int recovery_run(const struct recovery *config, struct recovery_report *out,
                 struct error *err);

#endif
