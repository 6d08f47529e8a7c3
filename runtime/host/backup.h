/*
 * backup.h - a folder with a backup: a data folder of plain SQLite files, all
 * of one moment, and what tells that it is whole.
 *
 *   backup_begin --> objects/, directory.sqlite (copying.h, snapshot.h)
 *                --> backup_seal: every file looked at; backup.sums,
 * backup.info backup_read_info --> restore_copy, checked by the sums -->
 * restore_swap
 *
 * While backup.part is there the backup is not finished, and may be gone on
 * with; backup.info is there only when it is.  Blocks; one thread.
 */
#ifndef HOST_BACKUP_H
#define HOST_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "host/copying.h"
#include "store/examine.h"

struct backup_info {
    int64_t time_ms;        /* when it was finished */
    uint64_t commit;        /* the last that is in it */
    int64_t objects, bytes; /* of their files */
    char sums[EXAMINE_SUM]; /* of backup.sums */
};

/* How far something is: in objects.  Non-zero ends it with ERR_CANCELED. */
struct backup_progress {
    int (*show)(void *arg, int64_t done, int64_t total); /* NULL: nobody */
    void *arg;
};

/* ERR_INVALID: the folder of a backup and that of data are the same, or one is
 * in the other. */
int backup_check_apart(const char *data, const char *folder, struct error *err);

enum backup_use { BACKUP_NEW, BACKUP_UPDATE };

/*
 * Make the folder `to`, or go on with the unfinished backup in it, or, with
 * BACKUP_UPDATE, with a finished one, which is none from then on.  `data` is
 * the folder that will be backed up, and must not be in it.  ERR_EXISTS: the
 * folder holds something else, or a finished backup; ERR_INVALID; ERR_IO.
 */
int backup_begin(const char *data, const char *to, enum backup_use use,
                 struct error *err);
/*
 * All copies are there, as of `commit`: look at every page of every file, put
 * right what the directory says of them, write down their sums, and finish.
 * `total`: how many there may be.  ERR_CORRUPT names the first file that is not
 * whole; ERR_IO, ERR_FULL, ERR_CANCELED.
 */
int backup_seal(const char *folder, uint64_t commit, int64_t total,
                const struct backup_progress *progress, struct backup_info *out,
                struct error *err);
/* Whether there is one in the folder that was begun and not finished. */
bool backup_is_part(const char *folder);
/* ERR_NOT_FOUND: there is no finished backup in the folder; ERR_CORRUPT. */
int backup_read_info(const char *folder, struct backup_info *out,
                     struct error *err);

#endif
