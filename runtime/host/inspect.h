/*
 * inspect.h - what one object has: its database, alarms and sockets, seen on
 * its worker's thread without a Lua state.
 *
 * An object that sleeps is not woken: its database is opened beside it, read
 * and closed.
 */
#ifndef HOST_INSPECT_H
#define HOST_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/oid.h"
#include "object/survey.h"
#include "store/alarm.h"

struct db;
struct worker;

enum {
    INSPECT_KEYS = 100,           /* that are shown one by one */
    INSPECT_SOCKETS = 100,        /* the same */
    INSPECT_PREVIEW = 200,        /* bytes of a value as text */
    INSPECT_READ_BYTES = 8 << 20, /* of values that are read for that */
};

/* The database of an object, for the time of one errand. */
struct inspect_db {
    struct db *db;
    bool is_own; /* to be closed */
};

/* ERR_IO, ERR_CORRUPT. */
int inspect_open(struct worker *w, const char *class_name, const struct oid *id,
                 struct inspect_db *out, struct error *err);
void inspect_close(struct inspect_db *d);

struct inspection {
    const char *class_name; /* borrowed */
    struct oid id;
    /* What was found. */
    struct survey survey;
    bool is_in_memory, has_storage;
    struct buf name;
    int64_t bytes, keys, next_alarm;
    struct buf rows;    /* key, table, alarm, dead, socket: row_join */
    struct error error; /* code 0: all could be read */
};

/* An errand: fill the inspection `arg`. */
void inspect_object(struct worker *w, void *arg);
void inspect_fini(struct inspection *i);

/* Fill `row` with an alarm that is alive ("alarm") or a dead letter ("dead");
 * the object's class, id and name are added where `entry` tells them. */
struct directory_entry;
void inspect_alarm_row(struct buf *row, const struct alarm *a,
                       const struct directory_entry *entry);
/* Cell `state`. */
void inspect_add_state(struct buf *row, const struct survey *s);
/* Cells `id`, `class`, `name`. */
void inspect_add_object(struct buf *row, struct slice class_name,
                        const struct oid *id, struct slice name);

#endif
