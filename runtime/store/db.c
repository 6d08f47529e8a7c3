#include "store/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/alarm_rows.h"
#include "store/db_conn.h"
#include "store/kv_list.h"
#include "store/kv_recent.h"
#include "store/sql_cursor.h"

#define CONSTRAINT_TEXT                                                        \
    "Durable Object was reset and rolled back to its last known good state "   \
    "because the application left the database in a state where constraints "  \
    "were violated: FOREIGN KEY constraint failed: "                           \
    "SQLITE_CONSTRAINT_FOREIGNKEY"

static void set_name(struct db *d, struct slice name)
{
    d->name = mem_dup(name.p, name.n);
    d->name_n = name.n;
}

int db_open(const struct db_config *config, struct db **out, struct error *err)
{
    struct pagefile *pf;

    *out = NULL;
    int rc = pagefile_open(config->client, config->class_name, &config->id, &pf,
                           err);
    if (rc != 0)
        return rc;
    struct db *d = mem_zalloc(sizeof(*d));
    d->pf = pf;
    d->gate = pagefile_last_commit(pf);
    if (pagefile_exists(pf))
        alarm_rows_forget(d);
    list_init(&d->kv_lists);
    list_init(&d->cursors);
    list_init(&d->cache.idle);
    if (config->name.n != 0) {
        set_name(d, config->name);
        d->is_name_known = true;
        d->is_name_stored = config->is_name_stored && pagefile_exists(pf);
    }
    d->progress = config->progress;
    d->progress_arg = config->progress_arg;
    d->memory_bytes =
        config->memory_bytes > 0 ? config->memory_bytes : DB_MEMORY_DEFAULT;
    *out = d;
    return 0;
}

static void end_readers(struct db *d, int code, const char *cursors,
                        const char *lists)
{
    struct error e = {0};

    error_set(&e, code, "%s", cursors);
    sql_cursor_cancel(d, &e);
    error_set(&e, code, "%s", lists);
    kv_list_cancel(d, &e);
}

static struct pagefile *close_all(struct db *d)
{
    struct pagefile *pf = d->pf;

    end_readers(d, ERR_CLOSED, "the object's storage was closed",
                "the object's storage was closed");
    db_conn_close(d);
    kv_recent_forget(&d->kv_recent);
    free(d->name);
    free(d->frames);
    free(d->broken);
    free(d);
    return pf;
}

void db_close(struct db *d)
{
    if (d != NULL)
        pagefile_close(close_all(d));
}

void db_discard(struct db *d)
{
    if (d != NULL)
        pagefile_discard(close_all(d));
}

/* Look for the name in _mk_meta; without one, or on failure, none is set. */
static void read_name(struct db *d)
{
    sqlite3_stmt *st;
    struct error e;

    if (db_conn_enter(d, &e) != 0 || db_conn_own(d, DB_OWN_NAME, &st, &e) != 0)
        return;
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        const void *p = sqlite3_column_blob(st, 0);

        set_name(d, (struct slice){p, (size_t)sqlite3_column_bytes(st, 0)});
        d->is_name_stored = true;
    }
    d->is_name_known = rc == SQLITE_ROW || rc == SQLITE_DONE;
    sqlite3_reset(st);
}

struct slice db_name(struct db *d)
{
    if (!d->is_name_known && d->broken == NULL && pagefile_exists(d->pf))
        read_name(d);
    return (struct slice){d->name, d->name_n};
}

/* Make the name part of the open transaction, unless it is there. */
static int store_name(struct db *d, struct error *err)
{
    sqlite3_stmt *st;

    if (d->is_name_stored || d->name_n == 0)
        return 0;
    int rc = db_conn_own(d, DB_OWN_SET_NAME, &st, err);
    if (rc != 0)
        return rc;
    sqlite3_bind_blob(st, 1, d->name, (int)d->name_n, SQLITE_STATIC);
    rc = sqlite3_step(st);
    sqlite3_reset(st);
    if (rc == SQLITE_DONE) {
        if (sqlite3_changes(d->conn->sqlite) != 0)
            pagefile_set_name(d->pf, (struct slice){d->name, d->name_n});
        return 0;
    }
    struct error e = {0};
    db_conn_say(d, rc, -1, &e);
    db_conn_break(d, &e);
    return db_conn_broken(d, err);
}

bool db_exists(const struct db *d)
{
    return pagefile_exists(d->pf);
}

bool db_is_dirty(const struct db *d)
{
    return d->is_dirty || d->is_reset;
}

uint64_t db_gate(const struct db *d)
{
    return d->gate;
}

uint64_t db_last_commit(const struct db *d)
{
    return pagefile_last_commit(d->pf);
}

struct db_tally db_tally(const struct db *d)
{
    return (struct db_tally){d->rows_read,
                             d->rows_written + d->kv_writes + d->alarm_writes};
}

bool db_is_broken(const struct db *d, struct error *err)
{
    if (d->broken != NULL)
        db_conn_broken(d, err);
    return d->broken != NULL;
}

void db_shrink(struct db *d)
{
    db_conn_unpark(d);
    kv_recent_forget(&d->kv_recent);
    sql_cache_shrink(&d->cache, SQL_CACHE_IDLE_MAX);
    if (d->conn != NULL)
        sqlite3_db_release_memory(d->conn->sqlite);
}

/* COMMIT failed: nothing of the turn is left. */
static int commit_failed(struct db *d, int rc, struct error *err)
{
    struct error e = {0};

    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        error_set(&e, ERR_SQL, "%s", CONSTRAINT_TEXT);
    else
        db_conn_say(d, rc, -1, &e);
    db_conn_break(d, &e);
    return db_conn_broken(d, err);
}

static int commit_writes(struct db *d, struct error *err)
{
    sqlite3_stmt *st;
    int rc = store_name(d, err);

    if (rc == 0)
        rc = db_conn_own(d, DB_OWN_COMMIT, &st, err);
    if (rc != 0)
        return rc;
    rc = sqlite3_step(st);
    sqlite3_reset(st);
    if (rc != SQLITE_DONE)
        return commit_failed(d, rc, err);
    d->is_name_stored = true;
    return 0;
}

static int commit_reset(struct db *d, struct error *err)
{
    int rc = pagefile_commit_reset(d->pf, err);

    if (rc != 0 && err != NULL)
        db_conn_break(d, err);
    return rc;
}

/* ROLLBACK of the books and of SQLite; the lists were told. */
static void roll_back(struct db *d)
{
    struct error e;

    if (d->is_open && d->broken == NULL)
        db_conn_run(d, DB_OWN_ROLLBACK, &e);
    db_conn_ended(d);
}

int db_commit(struct db *d, struct error *err)
{
    uint64_t before = pagefile_last_commit(d->pf);
    int rc = 0;

    db_conn_unpark(d);
    while (d->broken == NULL && d->frame_count > 0)
        db_savepoint_undo(d, err);
    if (d->broken != NULL)
        return db_conn_broken(d, err);
    if (!d->is_open && !d->is_reset)
        return 0;
    bool is_confirmed = d->is_confirmed || d->is_reset;
    if (d->is_dirty || d->is_reset)
        rc = alarm_rows_before_commit(d, err);
    if (rc != 0)
        return rc;
    if (d->is_dirty)
        rc = commit_writes(d, err);
    else
        roll_back(d);
    /* Without a page that changed SQLite's commit tells nobody. */
    if (rc == 0 && d->is_reset && pagefile_last_commit(d->pf) == before)
        rc = commit_reset(d, err);
    if (rc != 0)
        return rc;
    db_conn_ended(d);
    d->is_reset = false;
    if (is_confirmed && pagefile_last_commit(d->pf) != before)
        d->gate = pagefile_last_commit(d->pf);
    return 0;
}

/* Close the connection on an open transaction, which is gone with it. */
static void disconnect(struct db *d)
{
    db_conn_close(d);
    db_conn_ended(d);
    kv_recent_forget(&d->kv_recent);
    d->is_name_stored = false;
}

void db_rollback(struct db *d)
{
    db_conn_unpark(d);
    d->frame_count = 0;
    if (d->broken != NULL)
        return;
    if (d->is_reset) {
        end_readers(d, ERR_CANCELED, "query canceled because of a rollback",
                    "list() iterator was ended because of a rollback");
        disconnect(d);
        alarm_rows_forget(d);
        pagefile_undo_reset(d->pf);
        d->is_reset = false;
    } else if (d->is_open) {
        kv_list_before_undo(d, d->kv_writes_begin);
        kv_recent_forget(&d->kv_recent);
        db_conn_cancel_changed(d, d->schema_changes_begin);
        if (d->alarm_writes != d->alarm_writes_begin)
            alarm_rows_forget(d);
        roll_back(d);
    }
}

int db_delete_all(struct db *d, struct error *err)
{
    db_conn_unpark(d);
    if (d->broken != NULL)
        return db_conn_broken(d, err);
    if (d->frame_count > 0)
        return error_set(err, ERR_INVALID,
                         "Cannot call deleteAll() within a transaction");
    db_name(d); /* while it can still be read: the next commit stores it */
    end_readers(d, ERR_CANCELED, "query canceled because reset()",
                "list() iterator was ended because of deleteAll()");
    disconnect(d);
    alarm_rows_clear(d);
    if (!pagefile_exists(d->pf))
        return 0;
    pagefile_reset(d->pf);
    d->is_reset = true;
    return 0;
}
