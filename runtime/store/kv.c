#include "store/kv.h"

#include <sqlite3.h>

#include "base/must.h"
#include "store/kv_list.h"
#include "store/kv_recent.h"

/* Past this an entry may need more than the script's limit of a row, which
 * counts the record's head too. */
enum { ENTRY_LARGE = KV_ENTRY_MAX - 64 };

static void bind_bytes(sqlite3_stmt *st, int at, struct slice s)
{
    /* A NULL pointer would bind NULL. */
    sqlite3_bind_blob(st, at, s.n == 0 ? "" : s.p, (int)s.n, SQLITE_STATIC);
}

int kv_get(struct db *d, struct slice key, struct slice *value,
           struct error *err)
{
    sqlite3_stmt *st;

    *value = (struct slice){0};
    if (d->broken == NULL && kv_recent_find(d->kv_recent, key, value)) {
        d->rows_read++;
        return 1;
    }
    int rc = db_conn_enter(d, err);
    if (rc == 0)
        rc = db_conn_own(d, DB_OWN_GET, &st, err);
    if (rc != 0)
        return rc;

    bind_bytes(st, 1, key);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        /* Blob before bytes: the other order may move it. */
        const void *p = sqlite3_column_blob(st, 0);
        value->n = (size_t)sqlite3_column_bytes(st, 0);
        value->p = p == NULL ? "" : p;
        kv_recent_set(&d->kv_recent, key, *value);
        d->rows_read++;
        d->parked = st;
        return 1;
    }
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? 0 : db_conn_fail(d, rc, err);
}

/* What put and delete do first. */
static int begin_write(struct db *d, enum db_own which, struct slice key,
                       struct sqlite3_stmt **st, struct error *err)
{
    int rc = db_conn_enter(d, err);

    if (rc == 0)
        rc = db_conn_begin(d, err);
    if (rc == 0)
        rc = db_conn_own(d, which, st, err);
    if (rc == 0 && !list_empty(&d->kv_lists))
        rc = kv_list_before_write(d, key, err);
    return rc;
}

int kv_put(struct db *d, struct slice key, struct slice value,
           enum kv_confirm confirm, struct error *err)
{
    sqlite3_stmt *st;
    bool is_large = key.n + value.n > ENTRY_LARGE;
    int limit = 0;

    MUST(key.n <= KV_KEY_MAX && key.n + value.n <= KV_ENTRY_MAX);
    int rc = begin_write(d, DB_OWN_PUT, key, &st, err);
    if (rc != 0)
        return rc;
    if (is_large)
        limit = sqlite3_limit(d->conn->sqlite, SQLITE_LIMIT_LENGTH,
                              2 * KV_ENTRY_MAX);

    bind_bytes(st, 1, key);
    bind_bytes(st, 2, value);
    rc = sqlite3_step(st);
    sqlite3_reset(st);
    if (is_large)
        sqlite3_limit(d->conn->sqlite, SQLITE_LIMIT_LENGTH, limit);
    if (rc != SQLITE_DONE)
        return db_conn_fail(d, rc, err);
    d->kv_writes++;
    kv_recent_set(&d->kv_recent, key, value);
    db_conn_wrote(d, confirm == KV_CONFIRMED);
    return 0;
}

int kv_delete(struct db *d, struct slice key, struct error *err)
{
    sqlite3_stmt *st;
    int rc = begin_write(d, DB_OWN_DELETE, key, &st, err);

    if (rc != 0)
        return rc;
    bind_bytes(st, 1, key);
    rc = sqlite3_step(st);
    sqlite3_reset(st);
    if (rc != SQLITE_DONE)
        return db_conn_fail(d, rc, err);
    if (sqlite3_changes(d->conn->sqlite) == 0)
        return 0;
    d->kv_writes++;
    kv_recent_drop(d->kv_recent, key);
    db_conn_wrote(d, true);
    return 1;
}
