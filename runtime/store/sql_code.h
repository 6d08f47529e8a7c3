/* sql_code.h - the names of SQLite's result codes. */
#ifndef STORE_SQL_CODE_H
#define STORE_SQL_CODE_H

/* "SQLITE_CONSTRAINT_UNIQUE" for an extended code; an unknown one gives the
 * name of its primary code.  Static strings. */
const char *sql_code_name(int rc);
/* "SQLITE_CONSTRAINT" for any code. */
const char *sql_code_primary(int rc);

#endif
