/*
 * chance.h - random() and randomblob() of SQL from a source of the store's, in
 * place of SQLite's own.
 */
#ifndef STORE_CHANCE_H
#define STORE_CHANCE_H

#include <sqlite3.h>

#include "base/random.h"

/* `r` is borrowed until the connection is closed.  Returns SQLite's code. */
int chance_set(sqlite3 *db, struct random *r);

#endif
