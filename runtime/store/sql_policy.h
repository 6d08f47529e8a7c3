/*
 * sql_policy.h - what a script's SQL may do (API.md, section 6, "Refused"):
 * SQLite's authorizer, asked while a statement is compiled.
 *
 * It is on only around the script's own statements; the runtime's pass.  Those
 * of whoever operates the server may also read the runtime's tables, but set no
 * PRAGMA: the connection is the object's.
 */
#ifndef STORE_SQL_POLICY_H
#define STORE_SQL_POLICY_H

#include <stdbool.h>

#include "base/slice.h"

enum { SQL_REASON_MAX = 256 };

struct sql_policy {
    bool is_on;
    bool is_visit;
    bool is_denied; /* and `reason` says why */
    /* What the statement compiled last turned out to be. */
    bool reads;       /* a table */
    bool is_pragma;   /* acts while it is compiled: never kept */
    bool needs_begin; /* has no effect outside a transaction */
    bool creates;     /* may change the schema */
    bool drops;       /* changes it under the feet of open cursors */
    bool alters;      /* a table; its new names are not told here */
    char reason[SQL_REASON_MAX];
};

/* For sqlite3_set_authorizer, with a struct sql_policy as `arg`. */
int sql_policy_authorize(void *arg, int action, const char *a, const char *b,
                         const char *schema, const char *inner);
/* Before compiling: nothing is known of the statement. */
void sql_policy_begin(struct sql_policy *p);
/* After compiling, what only the text shows: an ALTER that names something
 * the runtime's way, VACUUM.  Returns false, with the reason, if refused. */
bool sql_policy_check_text(struct sql_policy *p, struct slice text);

#endif
