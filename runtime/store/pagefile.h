/*
 * pagefile.h - the pages of one object's database: an overlay in memory over
 * a file that only checkpoints touch; commits go to the log.
 *
 *   SQLite --vfs.c--> overlay (pages of the open transaction)
 *        commit: pages that changed --> record --> log queue, gets a number
 *        read:   overlay, else file, else the template image
 *
 * A page file belongs to one client and its thread.
 */
#ifndef STORE_PAGEFILE_H
#define STORE_PAGEFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oid.h"
#include "base/slice.h"
#include "store/store.h"

struct pagefile;

/* Open the pages of object `id` of `class_name` (a Lua identifier; copied).
 * No file is made and, for an object without any data, the disk is asked for
 * nothing but the file's existence.  Returns 0, ERR_IO, ERR_CORRUPT.  `*err`
 * is filled. */
int pagefile_open(struct store_client *c, const char *class_name,
                  const struct oid *id, struct pagefile **out,
                  struct error *err);
/* Forget the open transaction and give the pages back; committed pages are
 * checkpointed when they are durable (now or later).  Its connection is
 * dropped before.  NULL is allowed. */
void pagefile_close(struct pagefile *pf);
/* As close, but what is not durable is dropped: back to the durable state. */
void pagefile_discard(struct pagefile *pf);

/* The object has storage: a commit of it exists (durable or not). */
bool pagefile_exists(const struct pagefile *pf);
/* Number of the last commit, 0 when there was none since opening.  An object
 * opened again before it was checkpointed has the number of the commit that it
 * shows, which may not be durable yet: output that depends on it waits. */
uint64_t pagefile_last_commit(const struct pagefile *pf);
/* Why the last operation of the VFS on `pf` failed: 0, ERR_LIMIT (storage or
 * turn limit), ERR_FULL (the log has no space), ERR_RESET (the log failed;
 * discard), ERR_IO.  SQLite itself only reports SQLITE_FULL or SQLITE_IOERR. */
int pagefile_failure(const struct pagefile *pf, struct error *err);
/* Throw away everything the object has: from here on it reads as the template,
 * in the open transaction; its next commit makes that last and
 * pagefile_discard or pagefile_undo_reset takes it back.  Its connection is
 * dropped before, and may be taken again after. */
void pagefile_reset(struct pagefile *pf);
void pagefile_undo_reset(struct pagefile *pf);
/* The reset alone as a commit (a transaction that wrote nothing else). */
int pagefile_commit_reset(struct pagefile *pf, struct error *err);
/* When the object's next alarm is due, in ms since the Unix epoch (0: none):
 * what the records of the next commits say of it. */
void pagefile_set_next_alarm(struct pagefile *pf, int64_t ms);
/* How many dead letters it has among its alarms, after the next commit. */
void pagefile_set_dead_letters(struct pagefile *pf, int64_t count);
/* The next commit is the first that stores the object's name; borrowed until
 * then. */
void pagefile_set_name(struct pagefile *pf, struct slice name);
/* Bytes of memory that the overlay holds. */
int64_t pagefile_overlay_bytes(const struct pagefile *pf);

#endif
