/* What changes _mk_alarms; see alarm_rows.h. */
#include <sqlite3.h>

#include "store/alarm_rows.h"
#include "store/inside.h"

static const char bury_sql[] =
    "INSERT INTO _mk_alarms SELECT 2,?1,name,time,due,generation,retries,every,"
    "missed,cron,?2,payload FROM _mk_alarms WHERE kind=0 AND at=0 AND name=?3";

/* An alarm that was due at `old` is now due at `due`; 0: it was not there, is
 * not there any more. */
static void note_due(struct db *d, int64_t old, int64_t due)
{
    struct db_alarms *k = &d->alarms;

    if (k->count >= 0)
        k->count += (due != 0) - (old != 0);
    if (k->count == 0)
        k->next = 0;
    else if (due != 0 && (k->count == 1 || k->next == 0 || due <= k->next))
        k->next = due;
    else if (old == k->next)
        k->next = -1;
}

static void note_write(struct db *d)
{
    d->alarm_writes++;
    db_conn_wrote(d, true);
}

/* What every write does first. */
static int begin_write(struct db *d, enum db_own which, sqlite3_stmt **st,
                       struct error *err)
{
    int rc = db_conn_enter(d, err);

    if (rc == 0)
        rc = db_conn_begin(d, err);
    return rc == 0 ? db_conn_own(d, which, st, err) : rc;
}

/* Run a write to its end.  A row may be longer than the script's limit, which
 * is as long as a payload alone. */
static int step_write(struct db *d, sqlite3_stmt *st, struct error *err)
{
    sqlite3 *sqlite = d->conn->sqlite;
    int limit = sqlite3_limit(sqlite, SQLITE_LIMIT_LENGTH, 2 * ALARM_SIZE_MAX);
    int rc = sqlite3_step(st);

    sqlite3_reset(st);
    sqlite3_limit(sqlite, SQLITE_LIMIT_LENGTH, limit);
    if (rc != SQLITE_DONE)
        return db_conn_fail(d, rc, err);
    note_write(d);
    return 0;
}

static int delete_row(struct db *d, const struct alarm_key *key,
                      struct error *err)
{
    sqlite3_stmt *st;
    int rc = begin_write(d, DB_OWN_ALARM_DELETE, &st, err);

    if (rc != 0)
        return rc;
    alarm_rows_bind(st, key);
    return step_write(d, st, err);
}

static int64_t new_generation(struct db *d)
{
    struct store_client *c = d->pf->client;

    /* From the clock on, so that what an earlier process gave differs. */
    if (c->alarm_generation == 0)
        c->alarm_generation = clock_wall_ms(c->store->config.clock) * 1000;
    return ++c->alarm_generation;
}

/* Give the alarm its place among those that are due. */
static int put_order(struct db *d, const struct alarm *a, int64_t old,
                     struct error *err)
{
    struct alarm_key key = {ALARM_ROW_ORDER, old, a->name};
    sqlite3_stmt *st;
    int rc = 0;

    if (old == a->due)
        return 0;
    if (old != 0)
        rc = delete_row(d, &key, err);
    if (rc == 0)
        rc = begin_write(d, DB_OWN_ALARM_PUT, &st, err);
    if (rc != 0)
        return rc;
    key.at = a->due;
    sqlite3_clear_bindings(st);
    alarm_rows_bind(st, &key);
    rc = step_write(d, st, err);
    if (rc == 0)
        note_due(d, old, a->due);
    return rc;
}

int alarm_rows_put(struct db *d, const struct alarm *a, const struct alarm *old,
                   struct error *err)
{
    struct alarm_key key = {.name = a->name};
    sqlite3_stmt *st;
    int rc = begin_write(d, DB_OWN_ALARM_PUT, &st, err);

    if (rc != 0)
        return rc;
    sqlite3_clear_bindings(st);
    alarm_rows_bind(st, &key);
    sqlite3_bind_int64(st, 1 + COLUMN_TIME, a->time);
    sqlite3_bind_int64(st, 1 + COLUMN_DUE, a->due);
    sqlite3_bind_int64(st, 1 + COLUMN_GENERATION, new_generation(d));
    sqlite3_bind_int(st, 1 + COLUMN_RETRIES, a->retries);
    sqlite3_bind_int64(st, 1 + COLUMN_EVERY, a->every);
    sqlite3_bind_int(st, 1 + COLUMN_MISSED, (int)a->missed);
    if (a->cron.n != 0)
        sqlite3_bind_text(st, 1 + COLUMN_CRON, a->cron.p, (int)a->cron.n,
                          SQLITE_STATIC);
    if (a->payload.n != 0)
        sqlite3_bind_blob(st, 1 + COLUMN_PAYLOAD, a->payload.p,
                          (int)a->payload.n, SQLITE_STATIC);
    rc = step_write(d, st, err);
    return rc == 0 ? put_order(d, a, old == NULL ? 0 : old->due, err) : rc;
}

int alarm_rows_move(struct db *d, const struct alarm *a,
                    const struct alarm *old, struct error *err)
{
    struct alarm_key key = {.name = a->name};
    sqlite3_stmt *st;
    int rc = begin_write(d, DB_OWN_ALARM_MOVE, &st, err);

    if (rc != 0)
        return rc;
    alarm_rows_bind(st, &key);
    sqlite3_bind_int64(st, 4, a->time);
    sqlite3_bind_int64(st, 5, a->due);
    sqlite3_bind_int64(st, 6, new_generation(d));
    sqlite3_bind_int(st, 7, a->retries);
    rc = step_write(d, st, err);
    return rc == 0 ? put_order(d, a, old->due, err) : rc;
}

int alarm_rows_remove(struct db *d, const struct alarm *a, struct error *err)
{
    struct alarm_key alive = {.name = a->name};
    struct alarm_key order = {ALARM_ROW_ORDER, a->due, a->name};
    int rc = delete_row(d, &alive, err);

    if (rc == 0)
        rc = delete_row(d, &order, err);
    if (rc == 0)
        note_due(d, a->due, 0);
    return rc;
}

/* ---- dead letters ---- */

/* Where the next dead letter of that name goes: two of one millisecond stand
 * side by side. */
static int find_place(struct db *d, struct alarm_key *key, struct error *err)
{
    struct alarm a;
    int rc = db_conn_enter(d, err);

    while (rc == 0 && (rc = alarm_rows_get(d, key, &a, err)) == 1) {
        db_conn_unpark(d);
        key->at++;
        rc = 0;
    }
    return rc;
}

static int insert_dead(struct db *d, const struct alarm_key *key,
                       struct slice text, struct error *err)
{
    sqlite3_stmt *st;
    int rc = db_conn_begin(d, err);

    if (rc != 0)
        return rc;
    rc = sqlite3_prepare_v2(d->conn->sqlite, bury_sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return db_conn_fail(d, rc, err);
    sqlite3_bind_int64(st, 1, key->at);
    sqlite3_bind_text(st, 2, text.n == 0 ? "" : text.p, (int)text.n,
                      SQLITE_STATIC);
    sqlite3_bind_blob(st, 3, key->name.n == 0 ? "" : key->name.p,
                      (int)key->name.n, SQLITE_STATIC);
    rc = step_write(d, st, err);
    sqlite3_finalize(st);
    return rc;
}

static int drop_oldest(struct db *d, struct error *err)
{
    char name[ALARM_NAME_MAX];
    struct alarm_key key;
    int rc = alarm_rows_first(d, ALARM_ROW_DEAD, name, &key, err);

    if (rc == 1)
        rc = delete_row(d, &key, err);
    d->alarms.dead--;
    return rc;
}

int alarm_rows_bury(struct db *d, const struct alarm *a, int64_t now,
                    struct slice text, struct error *err)
{
    struct alarm_key key = {ALARM_ROW_DEAD, now, a->name};
    int64_t dead = d->alarms.dead;

    if (dead < 0)
        dead = alarm_rows_count(d, ALARM_ROW_DEAD, err);
    int rc = dead < 0 ? (int)dead : find_place(d, &key, err);
    if (rc == 0)
        rc = insert_dead(d, &key, text, err);
    if (rc != 0)
        return rc;
    d->alarms.dead = dead + 1;
    while (rc == 0 && d->alarms.dead > ALARM_DEAD_MAX)
        rc = drop_oldest(d, err);
    return rc;
}
