/*
 * disk_node.h - what the simulated disk is made of: the bytes of a file and the
 * names of files, each as they are now and as a power cut would leave them.
 *
 * Only for disk_sim.c, which locks.
 */
#ifndef BASE_DISK_NODE_H
#define BASE_DISK_NODE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/random.h"

struct node_write; /* one write that was not synced */

struct disk_node {
    struct disk_node *next;
    struct buf now, durable;
    struct node_write *writes; /* in order */
    size_t write_count, write_cap;
};

/* A new empty file, owned by the list `*all`. */
struct disk_node *disk_node_new(struct disk_node **all);
void disk_nodes_free(struct disk_node **all);
/* One write of all the parts. */
void disk_node_write(struct disk_node *n, const struct iovec *v, int count,
                     int64_t at);
void disk_node_resize(struct disk_node *n, int64_t size);
/* All unsynced writes become durable. */
void disk_node_sync(struct disk_node *n);
/* Of each unsynced write none, all, or some sectors become durable; the rest
 * never will.  Reading still shows them until disk_node_reload. */
void disk_node_crash(struct disk_node *n, struct random *r);
void disk_node_reload(struct disk_node *n);

struct names {
    struct name {
        char *path; /* owned */
        struct disk_node *node;
    } * at;
    size_t count, cap;
};

enum name_kind { NAME_MADE, NAME_GONE, NAME_MOVED };

struct name_change {
    enum name_kind kind;
    const char *path, *to;  /* `to` with NAME_MOVED only */
    struct disk_node *node; /* NULL: a folder is moved */
};

/* Changes of names that were not synced, in order; they own their paths. */
struct names_log {
    struct name_change *at;
    size_t count, cap;
};

struct disk_node *names_find(const struct names *n, const char *path);
/* Whether `c` can be applied: 0, ERR_NOT_FOUND, ERR_EXISTS. */
int names_check(const struct names *n, const struct name_change *c);
/* Apply `c` to `now` and note it in `log`; paths are copied. */
void names_change(struct names_log *log, struct names *now,
                  const struct name_change *c);
/* Apply the changes in `folder` (NULL: all) to `durable` and forget them. */
void names_sync(struct names_log *log, struct names *durable,
                const char *folder);
/* Apply some of the changes, as `r` decides, and forget all. */
void names_crash(struct names_log *log, struct names *durable,
                 struct random *r);
struct names names_copy(const struct names *n);
/* The entries of a folder by their last part; a folder has no node. */
struct names names_in_folder(const struct names *n, const char *folder);
void names_fini(struct names *n);
void names_log_fini(struct names_log *log);

#endif
