/*
 * visit.h - the database of an object, for who operates the server: between
 * two turns of the object, as a turn of its own.
 *
 *   visit_begin --> read, write --> visit_commit --> visit_end --> gate
 *
 * On the object's thread, in one go.  An object that sleeps is not woken: its
 * database is opened beside it.
 */
#ifndef OBJECT_VISIT_H
#define OBJECT_VISIT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/oid.h"
#include "object/gate.h"
#include "object/realm.h"

struct db;
struct object;

struct visit {
    struct realm *realm;
    const char *class_name; /* borrowed */
    struct oid id;
    struct object *object; /* NULL: not in memory */
    struct db *db;
    bool is_own; /* the visit's, to be closed */
    /* Of visit_commit: the object goes on with what it had read before. */
    bool is_overtaken;
};

/* 0; ERR_BUSY: a turn of it is under way, try again later; ERR_IO,
 * ERR_CORRUPT. */
int visit_begin(struct realm *r, const char *class_name, const struct oid *id,
                struct visit *out, struct error *err);
/*
 * Commit what was written, if anything.  `*number` is what the answer has to
 * wait for (gate_push, takes_all): with it all that the object wrote is on
 * disk.  An object that has nothing to do goes to sleep, so that it reads anew.
 * ERR_*: nothing was changed; the object may have been reset.
 */
int visit_commit(struct visit *v, uint64_t *number, struct error *err);
/* What was not committed is undone. */
void visit_end(struct visit *v);

#endif
