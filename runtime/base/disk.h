/*
 * disk.h - files, as the store sees them: the real disk, or a simulated one
 * that loses, tears and refuses (tests).
 *
 * Every call returns >= 0 or ERR_* (ERR_FULL for no space, ERR_NOT_FOUND,
 * ERR_EXISTS, ERR_LOCKED, ERR_IO for the rest) and blocks.  Paths are
 * relative to the disk's root folder and use '/'.  Files may be used from any
 * thread, one thread at a time each.
 */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"

struct disk;
struct file;

enum disk_open {
    DISK_READ = 1,
    DISK_WRITE = 2,  /* implies reading */
    DISK_CREATE = 4, /* make it if absent; folders above it too */
    DISK_EXCLUSIVE = 8,
};

/* The operations of a disk; both implementations fill one of these. */
struct disk_ops {
    int (*open)(struct disk *d, const char *path, int flags, struct file **out);
    void (*close)(struct file *f);
    /* Read up to n bytes; fewer only at the end of the file. */
    int64_t (*pread)(struct file *f, void *p, size_t n, int64_t at);
    /* Write all of the parts at `at`, or fail (some may have been written). */
    int (*pwritev)(struct file *f, const struct iovec *v, int n, int64_t at);
    int (*sync)(struct file *f); /* fdatasync */
    int (*truncate)(struct file *f, int64_t size);
    /* Claim the space of the first `size` bytes, so that writing them cannot
     * fail for want of it; a shorter file grows with zeros. */
    int (*allocate)(struct file *f, int64_t size);
    int64_t (*size)(struct file *f);
    /* When it was written last, in ms since the Unix epoch.  NULL: it is
     * not kept. */
    int64_t (*modified_ms)(struct file *f);
    /* A file or an empty folder. */
    int (*remove)(struct disk *d, const char *path);
    /* A file, or a folder with all that is in it, at once.  A folder `to` may
     * be there if it is empty, else ERR_EXISTS. */
    int (*rename)(struct disk *d, const char *from, const char *to);
    /* Make names and contents of everything written so far durable. */
    int (*sync_all)(struct disk *d);
    /* Make the names in folder `path` durable. */
    int (*sync_folder)(struct disk *d, const char *path);
    /* Call `each` with every name in the folder (no order); stops when it
     * returns non-zero and returns that. */
    int (*list)(struct disk *d, const char *path,
                int (*each)(void *arg, const char *name, bool is_folder),
                void *arg);
    /* Take the exclusive lock of the disk (file "lock", which then holds the
     * process number) until free.  Taking it again is allowed. */
    int (*lock)(struct disk *d);
    void (*free)(struct disk *d);
};

struct disk {
    const struct disk_ops *ops;
};
struct file {
    struct disk *disk;
};

/* The folder `root` of the real disk, made if absent. */
int disk_real_new(const char *root, struct disk **out, struct error *err);

/* A simulated disk in memory.  What was written and not synced is lost or torn
 * at a crash, as `seed` decides; so are names (of files made, removed and
 * renamed) until sync_all or sync_folder.  A folder is there while something is
 * in it.  Any thread. */
struct disk *disk_sim_new(uint64_t seed);
/* Let the `n`-th write or sync from now (1 = the next) be the last that
 * happens: it is torn as the seed decides, and it and every later call fail
 * with ERR_IO until disk_sim_restart.  Every call that changes something
 * counts as a write.  0 = never. */
void disk_sim_crash_after(struct disk *d, int64_t n);
/* Number of writes and syncs so far. */
int64_t disk_sim_steps(struct disk *d);
/* Power is back: only what was synced is there, and of each unsynced write
 * none, all, or a part in units of 512 bytes.  All open files are void and may
 * only be closed. */
void disk_sim_restart(struct disk *d);
/* At most `bytes` in all files together; -1 = no limit.  Past it: ERR_FULL. */
void disk_sim_capacity(struct disk *d, int64_t bytes);
/* Fail the next sync with ERR_IO: its bytes may or may not be there after a
 * crash, and later syncs do not make them any surer. */
void disk_sim_fail_sync(struct disk *d);

#endif
