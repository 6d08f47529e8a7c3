/*
 * vfs.h - SQLite's files as page files, and the image of an empty database.
 *
 * One VFS for each client, so that a connection knows its client and its
 * clock; it is not the default one.
 */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/overlay.h"

struct pagefile;

/* The database that every object starts with: the runtime's empty tables. */
struct template_image {
    uint32_t count;
    struct page **pages; /* page n at n - 1 */
};

struct vfs {
    sqlite3_vfs base;
    const struct clock *clock;
    const struct template_image *image;
    struct pagefile *connecting; /* the one that pagefile_connect opens */
    char name[32];
};

/* Configure SQLite for the whole process; once, any thread. */
int vfs_init_library(struct error *err);
/* Register; `v` stays where it is until vfs_fini.  The rest is borrowed. */
void vfs_init(struct vfs *v, const struct clock *clock,
              const struct template_image *image);
void vfs_fini(struct vfs *v);

/* Let the connection's file be another object's: only for a connection that
 * has nothing of the former one in its cache, and holds no lock or goes to as
 * many pages. */
void vfs_bind(sqlite3 *db, struct pagefile *pages);
/* Take its object away: it reads as the template. */
void vfs_unbind(sqlite3 *db);
/* The schema that the connection knows is the one that every object starts
 * with. */
bool vfs_has_template_schema(sqlite3 *db);
/* Whether SQLite holds a lock on the file, and thus believes that nobody else
 * changes its size. */
bool vfs_is_locked(sqlite3 *db);

/* template.c */
/* A database in memory that is the template; closed by the caller. */
int template_open(sqlite3 **out, struct error *err);
int template_build(struct template_image *t, struct error *err);
void template_fini(struct template_image *t);

#endif
