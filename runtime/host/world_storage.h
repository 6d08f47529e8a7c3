/*
 * world_storage.h - what a world's objects have, seen and changed by the test
 * behind their backs; no object is woken.
 */
#ifndef HOST_WORLD_STORAGE_H
#define HOST_WORLD_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oid.h"
#include "base/slice.h"
#include "object/survey.h"
#include "store/db.h"

struct world;

/* An object's database, between two calls of world_run. */
struct world_db {
    struct db *db;
    struct world *world;
    bool is_own; /* false: the object's, which is in memory */
    struct oid id;
    char class_name[64 + 1];
};

/* `name` is empty when it is not known.  ERR_IO, ERR_CORRUPT. */
int world_db_open(struct world *w, const char *class_name, const struct oid *id,
                  struct slice name, struct world_db *out, struct error *err);
/* What was written is one transaction, which goes to the disk with the next
 * world_run.  As db_commit. */
int world_db_commit(struct world_db *d, struct error *err);
void world_db_close(struct world_db *d);

struct world_object {
    struct slice class_name; /* borrowed */
    struct slice name;       /* the same; empty: none */
    struct oid id;
    bool has_storage;
    int64_t next_alarm; /* 0: none */
    struct survey survey;
};

/* Call each(arg, object) for every object that has storage, by class and name,
 * and then for those that are in memory alone; stops at non-zero and returns
 * that.  ERR_IO, ERR_CORRUPT. */
int world_objects(struct world *w,
                  int (*each)(void *arg, const struct world_object *o),
                  void *arg, struct error *err);
/* When the first alarm of all objects is due, in ms since the Unix epoch; 0:
 * none is set; or ERR_*. */
int64_t world_next_alarm(struct world *w, struct error *err);
/* Put the object to sleep, whatever keeps it awake; storage and hibernatable
 * sockets stay, plain ones are closed with 1012.  False: it has something to
 * do. */
bool world_evict(struct world *w, const struct oid *id);

#endif
