#include "store/contents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/db_conn.h"

/* A statement for once; NULL and `*err` when it cannot be had. */
static sqlite3_stmt *prepare(struct db *d, const char *sql, struct error *err)
{
    sqlite3_stmt *st = NULL;

    if (db_conn_enter(d, err) != 0)
        return NULL;
    int rc = sqlite3_prepare_v2(d->conn->sqlite, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        db_conn_fail(d, rc, err);
    return st;
}

/* Free `st`, whose last step gave `rc`. */
static int finish(struct db *d, sqlite3_stmt *st, int rc, struct error *err)
{
    sqlite3_finalize(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : db_conn_fail(d, rc, err);
}

static int64_t count_rows(struct db *d, const char *table, struct error *err)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM (SELECT 1 FROM \"%w\" "
                                "LIMIT %d)",
                                table, CONTENTS_COUNT_MAX + 1);
    sqlite3_stmt *st = prepare(d, sql, err);
    int64_t count = 0;

    sqlite3_free(sql);
    if (st == NULL)
        return ERR_SQL;
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        count = sqlite3_column_int64(st, 0);
    rc = finish(d, st, rc, err);
    return rc != 0 ? rc : count;
}

int64_t contents_key_count(struct db *d, struct error *err)
{
    return count_rows(d, "_mk_kv", err);
}

int contents_keys(struct db *d, int limit,
                  void (*each)(void *arg, struct slice key, int64_t bytes),
                  void *arg, struct error *err)
{
    sqlite3_stmt *st = prepare(
        d, "SELECT key, length(value) FROM _mk_kv ORDER BY key LIMIT ?1", err);
    int rc;

    if (st == NULL)
        return ERR_SQL;
    sqlite3_bind_int(st, 1, limit);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *key = sqlite3_column_blob(st, 0);
        size_t n = (size_t)sqlite3_column_bytes(st, 0);

        each(arg, (struct slice){key, n}, sqlite3_column_int64(st, 1));
    }
    return finish(d, st, rc, err);
}

/* ---- tables ---- */

struct names {
    char **at; /* owned, as the array */
    size_t count;
};

static void add_name(struct names *names, const char *name)
{
    names->at = mem_realloc(names->at, (names->count + 1) * sizeof(*names->at));
    names->at[names->count++] = mem_dup(name, strlen(name));
}

/* Columns of PRAGMA table_list: schema, name, type. */
static bool is_the_scripts(sqlite3_stmt *st)
{
    const char *schema = (const char *)sqlite3_column_text(st, 0);
    const char *name = (const char *)sqlite3_column_text(st, 1);
    const char *type = (const char *)sqlite3_column_text(st, 2);

    return schema != NULL && name != NULL && type != NULL &&
           strcmp(schema, "main") == 0 && strncmp(name, "_mk_", 4) != 0 &&
           strncmp(name, "sqlite_", 7) != 0 &&
           (strcmp(type, "table") == 0 || strcmp(type, "virtual") == 0);
}

static int list_tables(struct db *d, struct names *names, struct error *err)
{
    sqlite3_stmt *st = prepare(d, "PRAGMA table_list", err);
    int rc;

    if (st == NULL)
        return ERR_SQL;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (is_the_scripts(st))
            add_name(names, (const char *)sqlite3_column_text(st, 1));
    }
    return finish(d, st, rc, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int contents_tables(struct db *d,
                    void (*each)(void *arg, const char *name, int64_t rows),
                    void *arg, struct error *err)
{
    struct names names = {0};
    int rc = list_tables(d, &names, err);

    if (names.count != 0)
        qsort(names.at, names.count, sizeof(*names.at), by_name);
    for (size_t i = 0; i < names.count; i++) {
        if (rc == 0) {
            int64_t rows = count_rows(d, names.at[i], NULL);

            each(arg, names.at[i], rows < 0 ? -1 : rows);
        }
        free(names.at[i]);
    }
    /* What the script's tables leave in a connection is not for others. */
    if (names.count != 0 && d->conn != NULL)
        connection_spoil(d->conn);
    free(names.at);
    return rc;
}

const char *contents_complaint(const char *said)
{
    const char *line = strncmp(said, "***", 3) == 0 ? strchr(said, '\n') : NULL;

    return line == NULL ? said : line + 1;
}

int contents_check(struct db *d, struct error *err)
{
    sqlite3_stmt *st = prepare(d, "PRAGMA quick_check(1)", err);

    if (st == NULL)
        return ERR_CORRUPT;
    int rc = sqlite3_step(st);
    const char *said =
        rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
    if (said != NULL && strcmp(said, "ok") != 0) {
        error_set(err, ERR_CORRUPT, "%s", contents_complaint(said));
        sqlite3_finalize(st);
        return ERR_CORRUPT;
    }
    return finish(d, st, rc, err);
}
