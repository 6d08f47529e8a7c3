/*
 * datatable.h - a Lua file that is data: run once in a bare state, read as
 * plain C values.
 *
 * The file sees no function but os.getenv, text only, and may neither run nor
 * allocate without bound.  For configuration; scripts live in vm.h.
 *
 *   datatable_open --> members of the table it returned --> datatable_close
 */
#ifndef VM_DATATABLE_H
#define VM_DATATABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    DATATABLE_MEMORY_MAX = 16 * 1024 * 1024, /* bytes of Lua memory */
    DATATABLE_STEPS_MAX = 10 * 1000 * 1000,  /* VM instructions */
    DATATABLE_DEPTH_MAX = 3,      /* tables in tables that are read */
    DATATABLE_MEMBERS_MAX = 10000 /* in all that is read */
};

enum datavalue_type {
    DATA_NIL,
    DATA_BOOLEAN,
    DATA_INTEGER,
    DATA_FLOAT,
    DATA_STRING,
    DATA_TABLE,
    DATA_OTHER /* a function */
};

struct datamember;

/* One value; which field holds it follows from `type`. */
struct datavalue {
    enum datavalue_type type;
    bool boolean;
    int64_t integer;
    double number;
    char *string;               /* owned, with a NUL after it; may hold more */
    size_t length;              /* of string, in bytes */
    struct datamember *members; /* owned; of a table: integer keys upwards,
                                   then strings by their bytes, then others */
    size_t count;
    bool is_cut; /* a table deeper than DATATABLE_DEPTH_MAX: no members here */
};

struct datamember {
    struct datavalue key, value;
};

struct datatable; /* opaque: the state, and what the file returned */

/*
 * Run the file at `path` (NULL: none) and read the table that it returns, with
 * `over`, a table as value.h encodes it, over it: each member in place of the
 * file's, but a table merged into the file's, member by member.  Empty:
 * nothing.
 *
 * Returns 0, or ERR_NOT_FOUND (no such file), ERR_LUA (does not load, fails,
 * runs too long, needs too much memory, returns something else than a table;
 * the text has file and line where Lua knows them).  On failure *out is NULL.
 * Blocks on the disk.
 */
int datatable_open(const char *path, struct slice over, struct datatable **out,
                   struct error *err);
void datatable_close(struct datatable *d); /* NULL is allowed */

/* The table that the file returned; borrowed until datatable_close. */
const struct datavalue *datatable_top(const struct datatable *d);
/* The member `key` of table `t`, or NULL. */
const struct datavalue *datavalue_get(const struct datavalue *t,
                                      const char *key);
/* "a string", "an integer", "a table" ...: for messages.  Static. */
const char *datavalue_describe(const struct datavalue *v);

/*
 * Append the member `key` of the top table to `out` as value.h encodes it, at
 * any depth.  Returns 0, ERR_INVALID (cannot be stored) or ERR_TOO_BIG (more
 * than `max` bytes), with the path in `err`.
 */
int datatable_encode(struct datatable *d, const char *key, size_t max,
                     struct buf *out, struct error *err);

#endif
