#include "store/adopt.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "base/random.h"
#include "store/alarm.h"
#include "store/contents.h"
#include "store/inside.h"

enum { BUSY_MS = 5000, RESERVED_AT = 20 /* of the file's head */ };

struct adopting {
    const char *from, *to;
    sqlite3 *db; /* of the copy */
    struct error *err;
};

static int refuse(const struct adopting *a, const char *what)
{
    return error_set(a->err, ERR_INVALID, "'%s': %s", a->from, what);
}

static int broken(const struct adopting *a, sqlite3 *db)
{
    int primary = sqlite3_errcode(db) & 0xff;

    if (primary == SQLITE_FULL || primary == SQLITE_IOERR)
        return error_set(a->err, primary == SQLITE_FULL ? ERR_FULL : ERR_IO,
                         "'%s': %s", a->to, sqlite3_errmsg(db));
    return refuse(a, sqlite3_errmsg(db));
}

/* The first column of the first row as an integer; ERR_* as a negative one is
 * told by `*err`. */
static int ask(const struct adopting *a, sqlite3 *db, const char *sql,
               int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    rc = rc == SQLITE_ROW ? 0 : broken(a, db);
    sqlite3_finalize(st);
    return rc;
}

static int run(const struct adopting *a, const char *sql)
{
    return sqlite3_exec(a->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : broken(a, a->db);
}

/* ---- the copy ---- */

static int check_source(const struct adopting *a, sqlite3 *source)
{
    char text[64];
    int64_t size = 0;
    int64_t is_utf8 = 0;
    int rc = ask(a, source, "PRAGMA page_size", &size);

    if (rc == 0)
        rc = ask(a, source, "SELECT encoding = 'UTF-8' FROM pragma_encoding()",
                 &is_utf8);
    if (rc != 0)
        return rc;
    if (size != STORE_PAGE) {
        snprintf(text, sizeof(text), "pages of %d bytes expected, got %lld",
                 STORE_PAGE, (long long)size);
        return refuse(a, text);
    }
    return is_utf8 ? 0 : refuse(a, "texts in UTF-8 expected, not in UTF-16");
}

static int copy_pages(struct adopting *a, sqlite3 *source)
{
    sqlite3_backup *b;

    if (sqlite3_open_v2(a->to, &a->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                        NULL) != SQLITE_OK)
        return broken(a, a->db);
    b = sqlite3_backup_init(a->db, "main", source, "main");
    if (b == NULL)
        return broken(a, a->db);
    sqlite3_backup_step(b, -1);
    return sqlite3_backup_finish(b) == SQLITE_OK ? 0 : broken(a, a->db);
}

static int copy(struct adopting *a)
{
    struct stat st;
    sqlite3 *source = NULL;
    int rc;

    if (stat(a->from, &st) != 0)
        return error_set(a->err, ERR_NOT_FOUND, "no file '%s'", a->from);
    if (!S_ISREG(st.st_mode))
        return error_set(a->err, ERR_CORRUPT, "'%s' is no file", a->from);
    if (sqlite3_open_v2(a->from, &source, SQLITE_OPEN_READONLY, NULL) !=
        SQLITE_OK) {
        rc = broken(a, source);
    } else {
        sqlite3_busy_timeout(source, BUSY_MS);
        rc = check_source(a, source);
    }
    if (rc == 0)
        rc = copy_pages(a, source);
    sqlite3_close(source);
    return rc;
}

/* ---- what is in it ---- */

static int check_pages(const struct adopting *a)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(a->db, "PRAGMA integrity_check(1)", -1, &st, NULL) !=
            SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = broken(a, a->db);
    else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0)
        rc = refuse(
            a, contents_complaint((const char *)sqlite3_column_text(st, 0)));
    sqlite3_finalize(st);
    return rc;
}

/* All that has to do with the runtime's names, as one text. */
static int own_schema(const struct adopting *a, sqlite3 *db, struct buf *out)
{
    static const char sql[] =
        "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || sql "
        "FROM sqlite_schema WHERE name LIKE '\\_mk\\_%' ESCAPE '\\' "
        "OR tbl_name LIKE '\\_mk\\_%' ESCAPE '\\' ORDER BY name";
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(st, 0);

            buf_add_text(out, text == NULL ? "?" : text);
            buf_add_byte(out, '\n');
        }
    }
    rc = rc == SQLITE_DONE ? 0 : broken(a, db);
    sqlite3_finalize(st);
    return rc;
}

static int64_t value(sqlite3 *db, const char *sql)
{
    int64_t out = -1;
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return out;
}

static bool is_equal(const struct adopting *a, sqlite3 *usual, const char *sql)
{
    return value(a->db, sql) == value(usual, sql);
}

/* A connection knows a schema by its number and passes from object to object:
 * where the number is that of other tables, or those of the runtime are in
 * another place than usual, it must be one that no other has. */
static int set_number(const struct adopting *a, sqlite3 *usual)
{
    static const char roots[] =
        "SELECT sum(rootpage * CASE name WHEN '_mk_kv' THEN 1 WHEN '_mk_meta' "
        "THEN 10000 ELSE 100000000 END) FROM sqlite_schema WHERE name IN "
        "('_mk_kv', '_mk_meta', '_mk_alarms')";
    bool is_as_usual =
        is_equal(a, usual, roots) &&
        (!is_equal(a, usual, "PRAGMA schema_version") ||
         is_equal(a, usual, "SELECT count(*) FROM sqlite_schema"));
    char sql[64];
    uint32_t number;

    if (is_as_usual)
        return 0;
    random_bytes(random_system(), &number, sizeof(number));
    snprintf(sql, sizeof(sql), "PRAGMA schema_version = %u", number >> 1);
    return run(a, sql);
}

/* The same tables as a new object has. */
static int check_tables(const struct adopting *a)
{
    struct buf expected = {0};
    struct buf found = {0};
    sqlite3 *usual;
    int rc = template_open(&usual, a->err);

    if (rc == 0)
        rc = own_schema(a, usual, &expected);
    if (rc == 0)
        rc = own_schema(a, a->db, &found);
    if (rc == 0 && !slice_eq(buf_slice(&expected), buf_slice(&found)))
        rc = refuse(a, found.n == 0
                           ? "it is not the database of an object: the "
                             "tables _mk_kv, _mk_meta and _mk_alarms are "
                             "missing"
                           : "it is not the database of an object, or of "
                             "another version: the tables with names that "
                             "begin with _mk_ are not as expected");
    if (rc == 0)
        rc = set_number(a, usual);
    sqlite3_close(usual);
    buf_fini(&expected);
    buf_fini(&found);
    return rc;
}

/* Rows that no object could have made (alarm_rows.h). */
static int check_alarms(const struct adopting *a)
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM _mk_alarms WHERE NOT (kind IN (0, 1, 2)"
        " AND typeof(kind) = 'integer' AND typeof(at) = 'integer' AND"
        " typeof(name) = 'blob' AND length(name) <= 1024 AND (kind = 1 OR"
        " (typeof(time) = 'integer' AND typeof(due) = 'integer' AND"
        " typeof(generation) = 'integer' AND typeof(retries) = 'integer' AND"
        " typeof(every) = 'integer' AND missed IN (0, 1, 2) AND"
        " typeof(missed) = 'integer' AND"
        " ifnull(length(cron), 0) < 256))))"
        " + (SELECT count(*) FROM _mk_alarms AS a WHERE kind = 0 AND NOT EXISTS"
        " (SELECT 1 FROM _mk_alarms AS o WHERE o.kind = 1 AND o.at = a.due AND"
        " o.name = a.name))"
        " + abs((SELECT count(*) FROM _mk_alarms WHERE kind = 0)"
        " - (SELECT count(*) FROM _mk_alarms WHERE kind = 1))";
    int64_t wrong = 0;
    int rc = ask(a, a->db, sql, &wrong);

    if (rc != 0)
        return rc;
    return wrong == 0 ? 0 : refuse(a, "its alarms are not whole");
}

static int set_name(const struct adopting *a, struct slice name)
{
    sqlite3_stmt *st = NULL;
    int rc = run(a, "DELETE FROM _mk_meta WHERE key = 'name'");

    if (rc != 0 || name.n == 0)
        return rc;
    if (sqlite3_prepare_v2(a->db, "INSERT INTO _mk_meta VALUES('name', ?1)", -1,
                           &st, NULL) != SQLITE_OK ||
        sqlite3_bind_blob(st, 1, name.p, (int)name.n, SQLITE_STATIC) !=
            SQLITE_OK ||
        sqlite3_step(st) != SQLITE_DONE)
        rc = broken(a, a->db);
    sqlite3_finalize(st);
    return rc;
}

static int summarize(const struct adopting *a, struct adopted *out)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(a->db, ALARM_SUMMARY_SQL, -1, &st, NULL) !=
            SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW) {
        rc = broken(a, a->db);
    } else {
        out->next_alarm = sqlite3_column_int64(st, 0);
        out->dead = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    return rc;
}

static int prepare(const struct adopting *a, struct slice name,
                   struct adopted *out)
{
    int rc = run(a, "PRAGMA journal_mode = DELETE");

    if (rc == 0)
        rc = check_pages(a);
    if (rc == 0)
        rc = check_tables(a);
    if (rc == 0)
        rc = check_alarms(a);
    if (rc == 0)
        rc = set_name(a, name);
    return rc != 0 ? rc : summarize(a, out);
}

/* ---- the file ---- */

static int check_file(const struct adopting *a, int64_t max_bytes,
                      struct adopted *out)
{
    FILE *f = fopen(a->to, "re");
    struct stat st;
    int reserved = -1;

    if (f != NULL && fseek(f, RESERVED_AT, SEEK_SET) == 0)
        reserved = fgetc(f);
    if (f == NULL || reserved < 0 || fstat(fileno(f), &st) != 0 ||
        fsync(fileno(f)) != 0) {
        if (f != NULL)
            fclose(f);
        return error_set(a->err, ERR_IO, "'%s' cannot be read", a->to);
    }
    fclose(f);
    out->bytes = st.st_size;
    if (reserved != 0)
        return refuse(a, "its pages have reserved space, which is not "
                         "expected");
    if (max_bytes != 0 && st.st_size > max_bytes)
        return error_set(a->err, ERR_LIMIT,
                         "'%s': %lld bytes are more than limits.storage_mb "
                         "allows",
                         a->from, (long long)st.st_size);
    return 0;
}

int adopt_copy(const char *from, const char *to, struct slice name,
               int64_t max_bytes, struct adopted *out, struct error *err)
{
    struct adopting a = {.from = from, .to = to, .err = err};
    int rc = vfs_init_library(err);

    *out = (struct adopted){0};
    if (rc == 0)
        rc = copy(&a);
    if (rc == 0)
        rc = prepare(&a, name, out);
    sqlite3_close(a.db);
    if (rc == 0)
        rc = check_file(&a, max_bytes, out);
    if (rc != 0)
        unlink(to);
    return rc;
}
