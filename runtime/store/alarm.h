/*
 * alarm.h - the alarms of one object: _mk_alarms of its database.
 *
 * Writes join the implicit transaction of db.h and hold the output gate; the
 * earliest time becomes the commit's next alarm (record, directory).  What
 * fires and when is decided in object/; here are the rules of what is stored
 * (API.md, section 7).
 *
 *   set --due--> begun --done--> gone, or the next time of the grid
 *                  '--failed--> waits for a retry ... 6 times --> dead letter
 *
 * That an alarm has begun is known to object/ alone: it keeps the name and the
 * generation of the one that it fires.  While alarm_get gives that generation,
 * the alarm was neither set anew nor deleted.
 *
 * All functions return >= 0 or ERR_LIMIT, ERR_FULL, ERR_IO, ERR_SQL, ERR_NOMEM,
 * ERR_CORRUPT with `*err` filled.
 */
#ifndef STORE_ALARM_H
#define STORE_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/random.h"
#include "base/slice.h"
#include "store/db.h"

enum {
    ALARM_NAME_MAX = 1024,    /* bytes */
    ALARM_SIZE_MAX = 2097152, /* bytes, name and payload together */
    ALARM_MAX = 10000,        /* of one object */
    ALARM_DEAD_MAX = 100,     /* dead letters of one object, the newest */
    ALARM_ERROR_MAX = 4096,   /* bytes of an error's text that are kept */
    ALARM_RETRIES = 6,
    ALARM_RETRY_MS = 2000, /* the first; each next one twice as long */
};

enum alarm_missed { ALARM_ONCE, ALARM_EACH, ALARM_SKIP };

struct alarm {
    struct slice name;    /* "" is the plain one */
    int64_t time;         /* when it is meant for, ms since the Unix epoch */
    int64_t due;          /* when it fires next: `time`, or a retry's time */
    int64_t generation;   /* another one with each change of what is stored */
    struct slice payload; /* encoded; empty: none */
    int64_t every;        /* ms; 0: not periodic by it */
    struct slice cron;    /* text; empty: not periodic by it */
    enum alarm_missed missed;
    int retries;        /* that were made of this time so far */
    int64_t dead;       /* dead letter: when it was given up; else 0 */
    struct slice error; /* dead letter: the last error's text */
};

/*
 * Set the alarm of that name, or replace it, its retries included; dead
 * letters stay.  With `cron` its time is the first such one at or after
 * `time`.  `due`, `generation`, `retries`, `dead`, `error` are ignored; no
 * slice may be borrowed from `d`.
 *
 * Also returns ERR_INVALID (a time of 0 or less, a negative `every`, `every`
 * and `cron`, a bad `cron`) and ERR_TOO_BIG (name, name and payload, ALARM_MAX)
 * and has changed nothing then.
 */
int alarm_set(struct db *d, const struct alarm *a, struct error *err);
/* 1 and `*out` (slices borrowed until the next call on `d`), or 0. */
int alarm_get(struct db *d, struct slice name, struct alarm *out,
              struct error *err);
/* 1 when it was there; dead letters stay. */
int alarm_delete(struct db *d, struct slice name, struct error *err);
/* Call each(arg, alarm) by name: those that are alive, or the dead letters,
 * oldest first.  Non-zero ends it and is returned.  `each` may raise, and calls
 * nothing on `d`. */
enum alarm_which { ALARM_ALIVE, ALARM_DEAD };
int alarm_each(struct db *d, enum alarm_which which,
               int (*each)(void *arg, const struct alarm *a), void *arg,
               struct error *err);
/* 1 and the one that is due first (among equal ones by name; slices borrowed
 * until the next call on `d`), or 0. */
int alarm_first(struct db *d, struct alarm *out, struct error *err);
/* `due` of that one, or 0: none, or ERR_*; from memory once it is known. */
int64_t alarm_next(struct db *d);

/* How an alarm that has begun ends.  Of `a` only `name` and `generation` count,
 * as they were when it began (borrowed from `d` or not); if it was set anew or
 * deleted meanwhile, nothing is changed (returns 0; else 1). */

/* Its handler returned: gone, or on to its next time after `now`, as `missed`
 * says. */
int alarm_done(struct db *d, const struct alarm *a, int64_t now,
               struct error *err);
struct alarm_failure {
    struct slice text; /* of the error */
    bool gives_up;     /* no retries */
};

/* Its handler failed: the next retry; after the last, or when it gives up, a
 * dead letter, and a periodic one goes on.  Returns 2 then. */
int alarm_failed(struct db *d, const struct alarm *a, int64_t now,
                 const struct alarm_failure *how, struct random *random,
                 struct error *err);
/* Before `a`, which is due, is fired at `now`: its time may be one that was
 * missed, since nobody was there to fire it (`up_since`: from when on there
 * was) or since the next one has come.  Returns 1 when it is to be fired all
 * the same, 0 when its policy is to skip what was missed: it was moved on, or
 * dropped if it is not periodic.  A retry is never skipped.  With 1 no call on
 * `d` was made: slices of `a` are still there. */
int alarm_catch_up(struct db *d, const struct alarm *a, int64_t now,
                   int64_t up_since, struct error *err);

/* For readers of an object's file by SQLite alone: one row, the next alarm (0:
 * none) and the number of dead letters. */
#define ALARM_SUMMARY_SQL                                                      \
    "SELECT ifnull((SELECT min(at) FROM _mk_alarms WHERE kind=1),0),"          \
    "(SELECT count(*) FROM _mk_alarms WHERE kind=2)"

#endif
