/*
 * alarm_rows.h - the rows of _mk_alarms, and what is known of them without
 * asking.
 *
 *   kind  at     name     is
 *   0     0      of it    an alarm that is alive
 *   1     its due  of it  where it stands in their order; nothing else
 *   2     when   of it    a dead letter: when it was given up
 *
 * One table, in the order of (kind, at, name), so that an object without alarms
 * has one page for them, and one with ten thousand finds the first of them as
 * fast as each of them.
 */
#ifndef STORE_ALARM_ROWS_H
#define STORE_ALARM_ROWS_H

#include "store/alarm.h"
#include "store/db_conn.h"

enum alarm_kind { ALARM_ROW_ALIVE, ALARM_ROW_ORDER, ALARM_ROW_DEAD };

/* Of DB_OWN_ALARM_GET and DB_OWN_ALARM_LIST; the parameters of
 * DB_OWN_ALARM_PUT are the same, from one on. */
enum alarm_column {
    COLUMN_KIND,
    COLUMN_AT,
    COLUMN_NAME,
    COLUMN_TIME,
    COLUMN_DUE,
    COLUMN_GENERATION,
    COLUMN_RETRIES,
    COLUMN_EVERY,
    COLUMN_MISSED,
    COLUMN_CRON,
    COLUMN_ERROR,
    COLUMN_PAYLOAD,
};

struct alarm_key {
    enum alarm_kind kind;
    int64_t at;
    struct slice name;
};

/* An alarm that borrows nothing; without its payload and error. */
struct alarm_copy {
    struct alarm alarm;
    char name[ALARM_NAME_MAX];
    char cron[256];
};

/* There is no alarm alive: known without asking. */
bool alarm_rows_none(const struct db *d);

/* Bind the first three parameters of an own statement; borrowed. */
void alarm_rows_bind(struct sqlite3_stmt *st, const struct alarm_key *key);
/* 1 and `*out` (borrowed until the next call on `d`), or 0.  db_conn_enter was
 * called. */
int alarm_rows_get(struct db *d, const struct alarm_key *key, struct alarm *out,
                   struct error *err);
/* As above, the one that is alive, copied.  `name` may be borrowed from `d`;
 * calls db_conn_enter. */
int alarm_rows_copy(struct db *d, struct slice name, struct alarm_copy *out,
                    struct error *err);
/* Call each(arg, alarm) for all of that kind; see alarm_each. */
int alarm_rows_each(struct db *d, enum alarm_kind kind,
                    int (*each)(void *arg, const struct alarm *a), void *arg,
                    struct error *err);
/* 1 and the first of that kind, its name in `name[ALARM_NAME_MAX]`, or 0. */
int alarm_rows_first(struct db *d, enum alarm_kind kind, char *name,
                     struct alarm_key *out, struct error *err);
/* How many rows of that kind there are. */
int64_t alarm_rows_count(struct db *d, enum alarm_kind kind, struct error *err);

/* alarm_write.c: all of these open the transaction, write and note it; 0 or
 * ERR_*. */
/* Write `a` (generation made here) in place of `old`, or anew: NULL. */
int alarm_rows_put(struct db *d, const struct alarm *a, const struct alarm *old,
                   struct error *err);
/* Change time, due, retries of `old` to those of `a`. */
int alarm_rows_move(struct db *d, const struct alarm *a,
                    const struct alarm *old, struct error *err);
int alarm_rows_remove(struct db *d, const struct alarm *a, struct error *err);
/* Add a dead letter of `a` and drop the oldest above ALARM_DEAD_MAX. */
int alarm_rows_bury(struct db *d, const struct alarm *a, int64_t now,
                    struct slice text, struct error *err);

/* For db.c and db_savepoint.c. */
/* Nothing is known of the alarms any more: something was undone. */
void alarm_rows_forget(struct db *d);
/* The object has none: all was deleted. */
void alarm_rows_clear(struct db *d);
/* The transaction is about to become a record, which says when the next alarm
 * is.  An object that was opened from its file asks its table once: the record
 * of a commit must not lose an alarm that an earlier one set.  Returns 0 or
 * ERR_*. */
int alarm_rows_before_commit(struct db *d, struct error *err);

#endif
