#include "store/examine.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/slice.h"
#include "store/alarm.h"
#include "store/contents.h"

enum sharing { ALONE, SHARED };

/* A URI may not have these as they are. */
static void add_path(struct buf *uri, const char *path)
{
    for (; *path != '\0'; path++) {
        if (strchr("%?#", *path) != NULL)
            buf_printf(uri, "%%%02x", (unsigned char)*path);
        else
            buf_add_byte(uri, *path);
    }
}

static int open_file(const char *path, enum sharing sharing, sqlite3 **db)
{
    struct buf uri = {0};

    buf_add_text(&uri, "file:");
    add_path(&uri, path);
    if (sharing == ALONE)
        buf_add_text(&uri, "?immutable=1");
    buf_add_byte(&uri, '\0');
    int rc = sqlite3_open_v2(
        uri.p, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
        NULL);
    buf_fini(&uri);
    return rc;
}

static int refuse(sqlite3 *db, struct error *err)
{
    int rc = sqlite3_errcode(db);

    return error_set(err, rc == SQLITE_IOERR ? ERR_IO : ERR_CORRUPT, "%s",
                     sqlite3_errmsg(db));
}

static int check_pages(sqlite3 *db, struct error *err)
{
    sqlite3_stmt *st = NULL;
    const char *said = "ok";
    int rc = 0;

    if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL) !=
            SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = refuse(db, err);
    else
        said = (const char *)sqlite3_column_text(st, 0);
    if (strcmp(said, "ok") != 0)
        rc = error_set(err, ERR_CORRUPT, "%s", contents_complaint(said));
    sqlite3_finalize(st);
    return rc;
}

static int read_name(sqlite3 *db, struct examined *out, struct error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(
        db, "SELECT value FROM _mk_meta WHERE key='name'", -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        buf_add(&out->name, sqlite3_column_blob(st, 0),
                (size_t)sqlite3_column_bytes(st, 0));
    rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : refuse(db, err);
    sqlite3_finalize(st);
    return rc;
}

static int read_alarms(sqlite3 *db, struct examined *out, struct error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(db, ALARM_SUMMARY_SQL, -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW) {
        rc = refuse(db, err);
    } else {
        out->next_alarm = sqlite3_column_int64(st, 0);
        out->dead = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    return rc;
}

int examine_object(const char *path, struct examined *out, struct error *err)
{
    sqlite3 *db = NULL;
    struct stat st;

    *out = (struct examined){0};
    if (stat(path, &st) != 0)
        return error_set(err, ERR_NOT_FOUND, "no such file");
    out->bytes = st.st_size;
    int rc = open_file(path, ALONE, &db) == SQLITE_OK ? 0 : refuse(db, err);
    if (rc == 0)
        rc = check_pages(db, err);
    if (rc == 0)
        rc = read_name(db, out, err);
    if (rc == 0)
        rc = read_alarms(db, out, err);
    sqlite3_close(db);
    if (rc != 0)
        examined_fini(out);
    return rc;
}

void examined_fini(struct examined *e)
{
    buf_fini(&e->name);
}

int examine_shared(const char *path, struct error *err)
{
    sqlite3 *db = NULL;
    int rc = open_file(path, SHARED, &db) == SQLITE_OK ? 0 : refuse(db, err);

    if (rc == 0)
        sqlite3_busy_timeout(db, 5000);
    if (rc == 0)
        rc = check_pages(db, err);
    sqlite3_close(db);
    return rc;
}

enum { PIECE = 1 << 20 /* bytes of a file that are read at a time */ };

int examine_sum(const char *path, char out[EXAMINE_SUM], struct error *err)
{
    FILE *f = fopen(path, "re");
    size_t n;

    if (f == NULL)
        return error_set(err, ERR_NOT_FOUND, "no such file");
    XXH3_state_t *state = XXH3_createState();
    char *piece = mem_alloc(PIECE);

    XXH3_128bits_reset(state);
    while ((n = fread(piece, 1, PIECE, f)) != 0)
        XXH3_128bits_update(state, piece, n);
    XXH128_hash_t sum = XXH3_128bits_digest(state);
    bool has_failed = ferror(f) != 0;

    snprintf(out, EXAMINE_SUM, "%016llx%016llx", (unsigned long long)sum.high64,
             (unsigned long long)sum.low64);
    free(piece);
    XXH3_freeState(state);
    fclose(f);
    return has_failed ? error_set(err, ERR_IO, "cannot be read") : 0;
}
