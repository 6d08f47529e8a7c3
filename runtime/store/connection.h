/*
 * connection.h - SQLite connections on the pages of objects, of one client.
 *
 *   new --> held, plain --connection_drop--> spare --> held by another
 *            |    '-- too many: taken from the object that used its own
 *            |        longest ago, and held by another
 *            '-- spoiled by a script: stays with its object, then closed
 *
 * Opening one means parsing the schema, and parsed it takes more memory than a
 * small object has pages.  So a plain one, on which only the runtime's own
 * statements ever ran, passes from object to object with these statements.
 * Objects that have one for the first time are guests and share a few, which
 * stay warm while many new objects come; an object that comes again stays.
 */
#ifndef STORE_CONNECTION_H
#define STORE_CONNECTION_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "store/sql_policy.h"

struct pagefile;

enum {
    /* Plain ones that a client opens before it takes one from an object. */
    CONNECTIONS_GUESTS = 64,
    CONNECTIONS_STAYING = 1024,
    CONNECTIONS_SPARE = 64,
    CONNECTION_OWN = 21, /* statements that a holder may keep with it */
};

struct connection_queue {
    struct list list; /* struct connection, by last use */
    size_t count, max;
};

/* Those of a client. */
struct connections {
    struct connection_queue guests, staying, spare;
    uint64_t opened; /* so far */
};

struct connection {
    struct sqlite3 *sqlite;
    struct sqlite3_stmt *own[CONNECTION_OWN]; /* the holders' */
    struct sqlite3_stmt *touch;               /* reads a page */
    struct sql_policy policy; /* for the holders' authorizer, which stays */
    bool is_set_up;           /* the holders': limits and the like */
    bool is_plain;
    uint64_t serial; /* of how many that were opened it is the last */
    struct list link;
    struct connection_queue *queue; /* that it is in, or NULL */
    struct pagefile *file;          /* NULL: it is spare */
    uint32_t pages; /* of the object that it is not bound to any more */
    struct connection **holder;
};

void connections_init(struct connections *c);
/* Close the spare ones; none is held. */
void connections_fini(struct connections *c);
/* Close the spare ones but for one: that was opened first, as its memory stands
 * among what has been there from the beginning. */
void connections_trim(struct connections *c);

/*
 * Have a connection on the pages of `f`: exclusive, journal in memory, foreign
 * keys on, no lookaside, small cache; the runtime's tables (_mk_kv, _mk_meta,
 * _mk_alarms) are there.  It is written to `*holder`, which becomes NULL when
 * another object takes it: that may happen in any connection_take of the
 * client while it is plain, in no transaction, and none of its statements is
 * under way.
 *
 * Returns 0, ERR_NOMEM, ERR_IO, ERR_CORRUPT.
 */
int connection_take(struct pagefile *f, struct connection **holder,
                    struct error *err);
/* It is being used. */
void connection_touch(struct connection *c);
/* It can serve no other object: a script's statement is about to run on it, or
 * its state is not known. */
void connection_spoil(struct connection *c);
/* Give it up; all statements but those in `own` are finalized.  NULL is
 * allowed. */
void connection_drop(struct connection *c);

#endif
