/*
 * classes.h - at the start: the classes that the script has, against those that
 * have data, by way of `renamed` and `deleted` of the configuration.
 */
#ifndef HOST_CLASSES_H
#define HOST_CLASSES_H

#include "base/buf.h"
#include "base/err.h"
#include "bindings/script.h"
#include "host/config.h"
#include "store/store.h"

/*
 * Rename and delete what the configuration says, then make sure that no class
 * has data that the script does not have.  The store has no clients yet.
 * Deleting asks c->may_delete.
 *
 * Returns 0; ERR_INVALID (a name in `renamed` or `deleted` does not fit the
 * script, a deletion is not allowed, a class with data is missing), ERR_EXISTS,
 * ERR_FULL, ERR_IO.  Blocks.
 */
int classes_settle(const struct config *c, const struct script_listing *listing,
                   struct store *store, struct error *err);

/* Append the unique key of the class, from which its ids are made: what `keys`
 * says of it or of the class that it was renamed from, else <app>-<Class> with
 * its first name. */
void classes_key(const struct config *c, const char *name, struct buf *out);

#endif
