#include "store/db_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/kv_list.h"
#include "store/kv_recent.h"
#include "store/sql_code.h"
#include "store/sql_cursor.h"

_Static_assert((int)DB_OWN_COUNT <= (int)CONNECTION_OWN, "a place for each");

enum {
    PROGRESS_STEPS = 2000, /* virtual machine steps between two questions */
    LENGTH_MAX = 2097152   /* of a string, a blob, a row */
};

/* Both bounds are always there, so two shapes do for every list. */
#define LIST_TEXT                                                              \
    "SELECT key,value FROM _mk_kv WHERE key>=?1 AND key<?2 ORDER BY key"
static const char list_down_text[] = LIST_TEXT " DESC";

#define ALARM_KEY " WHERE kind=?1 AND at=?2 AND name=?3"
#define ALARM_FIELDS                                                           \
    "SELECT kind,at,name,time,due,generation,retries,every,missed,cron,error," \
    "payload FROM _mk_alarms"

static const char *const own_text[DB_OWN_COUNT] = {
    [DB_OWN_BEGIN] = "BEGIN",
    [DB_OWN_COMMIT] = "COMMIT",
    [DB_OWN_ROLLBACK] = "ROLLBACK",
    [DB_OWN_SAVEPOINT] = "SAVEPOINT _mk",
    [DB_OWN_RELEASE] = "RELEASE _mk",
    [DB_OWN_UNDO] = "ROLLBACK TO _mk",
    [DB_OWN_GET] = "SELECT value FROM _mk_kv WHERE key=?1",
    [DB_OWN_PUT] = "REPLACE INTO _mk_kv(key,value) VALUES(?1,?2)",
    [DB_OWN_DELETE] = "DELETE FROM _mk_kv WHERE key=?1",
    [DB_OWN_LIST] = LIST_TEXT,
    [DB_OWN_LIST_DOWN] = list_down_text,
    [DB_OWN_NAME] = "SELECT value FROM _mk_meta WHERE key='name'",
    [DB_OWN_SET_NAME] =
        "INSERT OR IGNORE INTO _mk_meta(key,value) VALUES('name',?1)",
    [DB_OWN_ALARM_GET] = ALARM_FIELDS ALARM_KEY,
    [DB_OWN_ALARM_PUT] = "REPLACE INTO _mk_alarms"
                         " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
    [DB_OWN_ALARM_MOVE] = "UPDATE _mk_alarms SET time=?4,due=?5,generation=?6,"
                          "retries=?7" ALARM_KEY,
    [DB_OWN_ALARM_DELETE] = "DELETE FROM _mk_alarms" ALARM_KEY,
    [DB_OWN_ALARM_FIRST] = "SELECT at,name FROM _mk_alarms WHERE kind=?1"
                           " ORDER BY at,name LIMIT 1",
    [DB_OWN_ALARM_LIST] = ALARM_FIELDS " WHERE kind=?1 ORDER BY at,name",
    [DB_OWN_ALARM_COUNT] = "SELECT count(*) FROM _mk_alarms WHERE kind=?1",
};

static const struct {
    int what, value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, LENGTH_MAX},
    {SQLITE_LIMIT_SQL_LENGTH, 100000},
    {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_COMPOUND_SELECT, 500},
    /* Views of views grow a program without bound. */
    {SQLITE_LIMIT_VDBE_OP, 250000},
    {SQLITE_LIMIT_FUNCTION_ARG, 32},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 100},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

/* The runtime's own statements are short; only the script's are watched. */
static int on_progress(void *arg)
{
    struct db *d = arg;

    return d->conn->policy.is_on && d->progress != NULL
               ? d->progress(d->progress_arg)
               : 0;
}

/* Everything that keeps a script's SQL in its place.  The schema stays trusted:
 * the script wrote it, the policy sees its triggers and views too, and without
 * trust no trigger could feed an FTS5 table. */
static void harden(struct connection *c)
{
    const char *modules[] = {"fts5",      "fts5vocab", "rtree", "rtree_i32",
                             "json_each", "json_tree", NULL};

    c->is_set_up = true;
    sqlite3_extended_result_codes(c->sqlite, 1);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        sqlite3_limit(c->sqlite, limits[i].what, limits[i].value);
    sqlite3_db_config(c->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->sqlite, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0,
                      NULL);
    sqlite3_db_config(c->sqlite, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0,
                      NULL);
    sqlite3_drop_modules(c->sqlite, modules);
    sqlite3_set_authorizer(c->sqlite, sql_policy_authorize, &c->policy);
}

void db_conn_watch(struct db *d, db_progress_cb progress, void *arg)
{
    d->progress = progress;
    d->progress_arg = arg;
    if (progress != NULL)
        sqlite3_progress_handler(d->conn->sqlite, PROGRESS_STEPS, on_progress,
                                 d);
}

static int connect_now(struct db *d, struct error *err)
{
    int rc = connection_take(d->pf, &d->conn, err);

    if (rc != 0)
        return rc;
    if (!d->conn->is_set_up)
        harden(d->conn);
    db_conn_watch(d, d->progress, d->progress_arg);
    return 0;
}

void db_conn_unpark(struct db *d)
{
    if (d->parked == NULL)
        return;
    sqlite3_reset(d->parked);
    d->parked = NULL;
}

int db_conn_enter(struct db *d, struct error *err)
{
    if (d->parked != NULL)
        db_conn_unpark(d);
    if (d->broken != NULL)
        return db_conn_broken(d, err);
    if (d->conn == NULL)
        return connect_now(d, err);
    connection_touch(d->conn);
    return 0;
}

void db_conn_close(struct db *d)
{
    if (d->conn == NULL)
        return;
    db_conn_unpark(d);
    sql_cache_clear(&d->cache);
    connection_drop(d->conn);
}

int db_conn_own(struct db *d, enum db_own which, struct sqlite3_stmt **out,
                struct error *err)
{
    if (d->conn->own[which] == NULL) {
        int rc = sqlite3_prepare_v3(d->conn->sqlite, own_text[which], -1,
                                    SQLITE_PREPARE_PERSISTENT,
                                    &d->conn->own[which], NULL);
        if (rc != SQLITE_OK)
            return db_conn_fail(d, rc, err);
    }
    *out = d->conn->own[which];
    return 0;
}

int db_conn_run(struct db *d, enum db_own which, struct error *err)
{
    struct sqlite3_stmt *st = NULL;
    int rc = db_conn_own(d, which, &st, err);

    if (rc != 0)
        return rc;
    rc = sqlite3_step(st);
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? 0 : db_conn_fail(d, rc, err);
}

int db_conn_begin(struct db *d, struct error *err)
{
    if (d->is_open)
        return 0;
    int rc = db_conn_run(d, DB_OWN_BEGIN, err);

    if (rc != 0)
        return rc;
    d->is_open = true;
    d->is_dirty = false;
    d->turn_bytes = 0;
    d->kv_writes_begin = d->kv_writes;
    d->alarm_writes_begin = d->alarm_writes;
    d->schema_changes_begin = d->schema_changes;
    return 0;
}

void db_conn_wrote(struct db *d, bool is_confirmed)
{
    d->is_dirty = true;
    d->is_confirmed |= is_confirmed;
}

void db_conn_cancel_changed(struct db *d, uint32_t schema_changes)
{
    struct error e = {0};

    if (d->schema_changes == schema_changes)
        return;
    error_set(&e, ERR_CANCELED, SQL_SCHEMA_CHANGED);
    sql_cursor_cancel(d, &e);
}

void db_conn_ended(struct db *d)
{
    d->is_open = false;
    d->is_dirty = false;
    d->is_confirmed = false;
    d->turn_bytes = 0;
}

/* The primary codes after which nothing of the transaction can be kept. */
static bool is_fatal(int rc)
{
    int primary = rc & 0xff;

    return primary == SQLITE_FULL || primary == SQLITE_IOERR ||
           primary == SQLITE_NOMEM;
}

static int code_of(struct db *d, int rc, struct error *why)
{
    if (rc == SQLITE_IOERR_NOMEM)
        return ERR_NOMEM;
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_FULL:
    case SQLITE_IOERR: {
        int code = pagefile_failure(d->pf, why);
        if (code != 0)
            return code;
        /* SQLite's own bound on the pages of a database is ours as well. */
        return (rc & 0xff) == SQLITE_FULL ? ERR_LIMIT : ERR_IO;
    }
    default:
        return ERR_SQL;
    }
}

int db_conn_say(struct db *d, int rc, int offset, struct error *err)
{
    struct error why = {0};
    int code = code_of(d, rc, &why);
    char at[32] = "";

    /* The layer below says it better than SQLite, but scripts know FULL and
     * IOERR by SQLite's words. */
    if (code == ERR_FULL || code == ERR_LIMIT)
        return error_set(err, code, "database or disk is full: SQLITE_FULL");
    if (code == ERR_NOMEM)
        return error_set(err, code, "out of memory: SQLITE_NOMEM");
    if (code == ERR_RESET && why.text[0] != '\0')
        return error_set(err, code, "%s", why.text);
    if (offset >= 0)
        snprintf(at, sizeof(at), " at offset %d", offset);
    return error_set(err, code, "%s%s: %s", sqlite3_errmsg(d->conn->sqlite), at,
                     sql_code_primary(rc));
}

int db_conn_broken(const struct db *d, struct error *err)
{
    return error_set(err, d->broken->code, "%s", d->broken->text);
}

void db_conn_break(struct db *d, const struct error *why)
{
    if (d->broken != NULL)
        return;
    d->broken = mem_alloc(sizeof(*d->broken));
    *d->broken = *why;
    kv_list_cancel(d, why);
    kv_recent_forget(&d->kv_recent);
    sql_cursor_cancel(d, why);
    if (d->conn != NULL)
        connection_spoil(d->conn);
    /* If even this fails, closing the connection does it. */
    if (d->conn != NULL && !sqlite3_get_autocommit(d->conn->sqlite))
        sqlite3_exec(d->conn->sqlite, "ROLLBACK", NULL, NULL, NULL);
    db_conn_ended(d);
    d->is_reset = false;
}

void db_conn_judge(struct db *d, int rc, const struct error *why)
{
    bool is_lost =
        d->is_open && (sqlite3_get_autocommit(d->conn->sqlite) || is_fatal(rc));

    if (is_lost || why->code == ERR_RESET)
        db_conn_break(d, why);
}

int db_conn_fail(struct db *d, int rc, struct error *err)
{
    struct error e = {0};
    int code = db_conn_say(d, rc, -1, &e);

    if (err != NULL)
        *err = e;
    db_conn_judge(d, rc, &e);
    return code;
}

int64_t db_conn_pragma(struct db *d, const char *name)
{
    char text[48];
    struct sqlite3_stmt *st = NULL;
    int64_t value = -1;

    snprintf(text, sizeof(text), "PRAGMA %s", name);
    if (sqlite3_prepare_v2(d->conn->sqlite, text, -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return value;
}
