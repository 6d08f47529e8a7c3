/* sql_bind.h - the values of a call put into a statement's parameters. */
#ifndef STORE_SQL_BIND_H
#define STORE_SQL_BIND_H

#include "store/sql.h"
#include "store/sql_cache.h"

/*
 * Bind all of `bindings`, by position or, when the first has a name, by name.
 * Returns 0, ERR_INVALID (wrong number or names; the text says which), or
 * ERR_TOO_BIG / ERR_NOMEM when SQLite refuses a value.  Values of a statement
 * that gives rows are copied, others are borrowed until it is reset.
 */
int sql_bind(struct sql_stmt *s, const struct sql_binding *bindings,
             size_t count, struct sql_error *err);

#endif
