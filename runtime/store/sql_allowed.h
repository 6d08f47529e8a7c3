/* sql_allowed.h - the lists of sql_policy.c: what is allowed, by name. */
#ifndef STORE_SQL_ALLOWED_H
#define STORE_SQL_ALLOWED_H

#include <stdbool.h>

enum sql_pragma {
    SQL_PRAGMA_REFUSED,
    SQL_PRAGMA_ANY,     /* without or with an argument */
    SQL_PRAGMA_READ,    /* without */
    SQL_PRAGMA_INTEGER, /* without, or with an integer */
    SQL_PRAGMA_FLAG,    /* without, or with a boolean */
};

/* Names without regard to ASCII case. */
bool sql_allowed_function(const char *name);
bool sql_allowed_module(const char *name);
enum sql_pragma sql_allowed_pragma(const char *name);

#endif
