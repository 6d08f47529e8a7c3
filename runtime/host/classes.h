/*
 * classes.h - the classes that the script has, against what the configuration
 * says of classes, and at the start against those that have data, by way of
 * `renamed` and `deleted`.
 */
#ifndef HOST_CLASSES_H
#define HOST_CLASSES_H

#include "base/buf.h"
#include "base/err.h"
#include "bindings/script.h"
#include "host/config.h"
#include "store/store.h"

/*
 * What must hold of each version of the script: no class has the name of one
 * of `vars`, and no two have the same unique key (objects are found by their
 * ids alone).  ERR_INVALID with file and key.
 */
int classes_fit(const struct config *c, const struct script_listing *listing,
                struct error *err);
/* The same, and that the names in `keys`, `renamed` and `deleted` fit the
 * script, as far as that can be told without the data. */
int classes_check(const struct config *c, const struct script_listing *listing,
                  struct error *err);

/*
 * Rename and delete what the configuration says, then make sure that no class
 * has data that the script does not have.  The store has no clients yet.
 * Deleting asks c->may_delete.
 *
 * Returns 0; ERR_INVALID (a name in `keys`, `renamed` or `deleted` does not fit
 * the script, a deletion is not allowed, a class with data is missing),
 * ERR_EXISTS, ERR_FULL, ERR_IO.  Blocks.
 */
int classes_settle(const struct config *c, const struct script_listing *listing,
                   struct store *store, struct error *err);

/* Append the unique key of the class, from which its ids are made: what `keys`
 * says of it or of the class that it was renamed from, else <app>-<Class> with
 * its first name. */
void classes_key(const struct config *c, const char *name, struct buf *out);

#endif
