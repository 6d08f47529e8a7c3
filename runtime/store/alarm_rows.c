#include "store/alarm_rows.h"

#include <sqlite3.h>

#include "base/cron.h"
#include "base/must.h"
#include "store/inside.h"

_Static_assert((int)CRON_TEXT_MAX < sizeof(((struct alarm_copy *)0)->cron),
               "room for every expression");

/* ---- what is known ---- */

void alarm_rows_forget(struct db *d)
{
    d->alarms = (struct db_alarms){-1, -1, -1};
}

void alarm_rows_clear(struct db *d)
{
    d->alarms = (struct db_alarms){0};
    d->alarm_writes++;
}

bool alarm_rows_none(const struct db *d)
{
    return d->alarms.next == 0 && d->broken == NULL;
}

/* ---- reading ---- */

static struct slice blob_of(sqlite3_stmt *st, int column)
{
    const void *p = sqlite3_column_blob(st, column); /* before its size */

    return (struct slice){p, (size_t)sqlite3_column_bytes(st, column)};
}

/* All but what may be long. */
static void fill(sqlite3_stmt *st, struct alarm *out)
{
    bool is_dead = sqlite3_column_int(st, COLUMN_KIND) == ALARM_ROW_DEAD;

    *out = (struct alarm){
        .name = blob_of(st, COLUMN_NAME),
        .time = sqlite3_column_int64(st, COLUMN_TIME),
        .due = sqlite3_column_int64(st, COLUMN_DUE),
        .generation = sqlite3_column_int64(st, COLUMN_GENERATION),
        .every = sqlite3_column_int64(st, COLUMN_EVERY),
        .cron = blob_of(st, COLUMN_CRON),
        .missed = (enum alarm_missed)sqlite3_column_int(st, COLUMN_MISSED),
        .retries = sqlite3_column_int(st, COLUMN_RETRIES),
        .dead = is_dead ? sqlite3_column_int64(st, COLUMN_AT) : 0,
    };
}

static void fill_all(sqlite3_stmt *st, struct alarm *out)
{
    fill(st, out);
    out->error = blob_of(st, COLUMN_ERROR);
    out->payload = blob_of(st, COLUMN_PAYLOAD);
}

void alarm_rows_bind(sqlite3_stmt *st, const struct alarm_key *key)
{
    sqlite3_bind_int(st, 1, (int)key->kind);
    sqlite3_bind_int64(st, 2, key->at);
    /* A NULL pointer would bind NULL. */
    sqlite3_bind_blob(st, 3, key->name.n == 0 ? "" : key->name.p,
                      (int)key->name.n, SQLITE_STATIC);
}

/* 1 and the statement on its row, which is parked, or 0. */
static int find(struct db *d, const struct alarm_key *key, sqlite3_stmt **st,
                struct error *err)
{
    int rc = db_conn_own(d, DB_OWN_ALARM_GET, st, err);

    if (rc != 0)
        return rc;
    alarm_rows_bind(*st, key);
    rc = sqlite3_step(*st);
    if (rc == SQLITE_ROW) {
        d->parked = *st;
        return 1;
    }
    sqlite3_reset(*st);
    return rc == SQLITE_DONE ? 0 : db_conn_fail(d, rc, err);
}

int alarm_rows_get(struct db *d, const struct alarm_key *key, struct alarm *out,
                   struct error *err)
{
    sqlite3_stmt *st;
    int rc = find(d, key, &st, err);

    if (rc == 1)
        fill_all(st, out);
    return rc;
}

static void copy_row(sqlite3_stmt *st, struct alarm_copy *out)
{
    struct slice *cron = &out->alarm.cron;
    size_t name_n;

    fill(st, &out->alarm);
    name_n = out->alarm.name.n;
    out->alarm.name = (struct slice){out->name, name_n};
    if (cron->n > CRON_TEXT_MAX)
        cron->n = 0; /* nothing that alarm_set wrote */
    if (cron->n != 0)
        memcpy(out->cron, cron->p, cron->n);
    cron->p = out->cron;
}

int alarm_rows_copy(struct db *d, struct slice name, struct alarm_copy *out,
                    struct error *err)
{
    struct alarm_key key = {.name = {out->name, name.n}};
    sqlite3_stmt *st = NULL;

    if (name.n > ALARM_NAME_MAX || alarm_rows_none(d)) {
        db_conn_unpark(d);
        return 0;
    }
    if (name.n != 0)
        memcpy(out->name, name.p, name.n);
    int rc = db_conn_enter(d, err);
    if (rc == 0)
        rc = find(d, &key, &st, err);
    if (rc != 1)
        return rc;
    copy_row(st, out);
    db_conn_unpark(d);
    return 1;
}

int alarm_rows_each(struct db *d, enum alarm_kind kind,
                    int (*each)(void *arg, const struct alarm *a), void *arg,
                    struct error *err)
{
    sqlite3_stmt *st;
    int rc = db_conn_enter(d, err);

    if (rc == 0)
        rc = db_conn_own(d, DB_OWN_ALARM_LIST, &st, err);
    if (rc != 0)
        return rc;
    sqlite3_bind_int(st, 1, (int)kind);
    d->parked = st; /* so that the next call resets it if `each` raises */
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct alarm a;

        fill_all(st, &a);
        int said = each(arg, &a);
        MUST(d->parked == st);
        if (said != 0) {
            db_conn_unpark(d);
            return said;
        }
    }
    db_conn_unpark(d);
    return rc == SQLITE_DONE ? 0 : db_conn_fail(d, rc, err);
}

int alarm_rows_first(struct db *d, enum alarm_kind kind, char *name,
                     struct alarm_key *out, struct error *err)
{
    sqlite3_stmt *st;
    int rc = db_conn_enter(d, err);

    if (rc == 0)
        rc = db_conn_own(d, DB_OWN_ALARM_FIRST, &st, err);
    if (rc != 0)
        return rc;
    sqlite3_bind_int(st, 1, (int)kind);
    rc = sqlite3_step(st);
    bool is_there = rc == SQLITE_ROW;
    if (is_there) {
        struct slice s = blob_of(st, 1);

        *out = (struct alarm_key){kind, sqlite3_column_int64(st, 0), {name, 0}};
        out->name.n = s.n < ALARM_NAME_MAX ? s.n : ALARM_NAME_MAX;
        if (s.n != 0)
            memcpy(name, s.p, out->name.n);
    }
    sqlite3_reset(st);
    if (!is_there && rc != SQLITE_DONE)
        return db_conn_fail(d, rc, err);
    if (kind == ALARM_ROW_ORDER)
        d->alarms.next = is_there ? out->at : 0;
    return is_there;
}

int64_t alarm_rows_count(struct db *d, enum alarm_kind kind, struct error *err)
{
    sqlite3_stmt *st;
    int64_t count = -1;
    int rc = db_conn_enter(d, err);

    if (rc == 0)
        rc = db_conn_own(d, DB_OWN_ALARM_COUNT, &st, err);
    if (rc != 0)
        return rc;
    sqlite3_bind_int(st, 1, (int)kind);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        count = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return count >= 0 ? count : db_conn_fail(d, rc, err);
}

/* ---- the commit ---- */

static int find_next(struct db *d, struct error *err)
{
    char name[ALARM_NAME_MAX];
    struct alarm_key key;
    struct error e = {0};

    if (alarm_rows_first(d, ALARM_ROW_ORDER, name, &key, &e) >= 0)
        return 0;
    db_conn_break(d, &e);
    return db_conn_broken(d, err);
}

int alarm_rows_before_commit(struct db *d, struct error *err)
{
    int rc = d->alarms.next < 0 ? find_next(d, err) : 0;

    if (rc != 0)
        return rc;
    pagefile_set_next_alarm(d->pf, d->alarms.next);
    if (d->alarms.dead >= 0)
        pagefile_set_dead_letters(d->pf, d->alarms.dead);
    return 0;
}
