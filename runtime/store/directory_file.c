#include <stdlib.h>
#include <string.h>

#include "store/directory_inside.h"

/* Of the tables below; 0: they are not whole. */
#define VERSION "2"

static const char setup_sql[] = "PRAGMA journal_mode = WAL;"
                                "PRAGMA synchronous = NORMAL;"
                                "PRAGMA wal_autocheckpoint = 4000;"
                                "PRAGMA journal_size_limit = 33554432;"
                                "PRAGMA temp_store = MEMORY;";

/* In the order of ids, by which objects are noted; what is due at one time is
 * in that order too.  The nameless have x'' as their name, as those have whose
 * name was never noted, with `unnamed`. */
static const char tables_sql[] =
    "BEGIN;"
    "DROP TABLE IF EXISTS objects;"
    "DROP TABLE IF EXISTS classes;"
    "CREATE TABLE classes(number INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE, count INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE objects(class INTEGER NOT NULL, id BLOB NOT NULL,"
    " name BLOB NOT NULL, created INTEGER NOT NULL,"
    " last_commit INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " next_alarm INTEGER NOT NULL, dead INTEGER NOT NULL,"
    " unnamed INTEGER NOT NULL, PRIMARY KEY(class, id)) WITHOUT ROWID;"
    "CREATE INDEX objects_name ON objects(class, name, id);"
    "CREATE INDEX objects_alarm ON objects(next_alarm, id, name)"
    " WHERE next_alarm <> 0;"
    "CREATE INDEX objects_dead ON objects(class, name, id) WHERE dead <> 0;"
    "CREATE INDEX objects_unnamed ON objects(unnamed) WHERE unnamed <> 0;"
    "COMMIT";

#define FIELDS                                                                 \
    "SELECT class,id,name,created,last_commit,bytes,next_alarm,dead,unnamed"   \
    " FROM objects "
#define ROW        " WHERE class=?1 AND id=?2"
#define OF_CLASS   "INDEXED BY objects_name WHERE class=?1 "
#define DEAD       "INDEXED BY objects_dead WHERE dead<>0 AND class=?1 "
#define NAMED      "AND name>=?2 AND name<?3 "
#define NAMELESS   "AND name=x'' AND id>?2 "
#define WITH_ALARM "AND next_alarm<>0 "
#define IN_ORDER   "ORDER BY name,id"

static const char *const texts[FILE_STATEMENTS] = {
    [FILE_BEGIN] = "BEGIN",
    [FILE_COMMIT] = "COMMIT",
    [FILE_ROLLBACK] = "ROLLBACK",
    [FILE_INSERT] = "INSERT OR IGNORE INTO objects(class,id,name,created,"
                    "last_commit,bytes,next_alarm,dead,unnamed)"
                    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    [FILE_SET_ALL] = "UPDATE objects SET name=?3,created=?4,last_commit=?5,"
                     "bytes=?6,next_alarm=?7,dead=?8,unnamed=?9" ROW,
    [FILE_SET_NAME] = "UPDATE objects SET name=?3,unnamed=0" ROW,
    [FILE_SET_SIZE] = "UPDATE objects SET last_commit=?5,bytes=?6" ROW,
    /* What is not known is NULL and stays. */
    [FILE_SET_REST] = "UPDATE objects SET last_commit=ifnull(?5,last_commit),"
                      "bytes=ifnull(?6,bytes),"
                      "next_alarm=ifnull(?7,next_alarm),"
                      "dead=ifnull(?8,dead)" ROW,
    [FILE_DELETE] = "DELETE FROM objects" ROW,
    [FILE_CLASS] = "INSERT OR IGNORE INTO classes(number,name) VALUES(?1,?2)",
    [FILE_COUNT] = "UPDATE classes SET count=count+?2 WHERE number=?1",
    [FILE_GET] = FIELDS ROW,
    [FILE_NAMED] = FIELDS OF_CLASS NAMED IN_ORDER,
    [FILE_NAMED + 1] = FIELDS OF_CLASS NAMED WITH_ALARM IN_ORDER,
    [FILE_NAMED + 2] = FIELDS DEAD NAMED IN_ORDER,
    [FILE_NAMED + 3] = FIELDS DEAD NAMED WITH_ALARM IN_ORDER,
    [FILE_NAMELESS] = FIELDS OF_CLASS NAMELESS IN_ORDER,
    [FILE_NAMELESS + 1] = FIELDS OF_CLASS NAMELESS WITH_ALARM IN_ORDER,
    [FILE_NAMELESS + 2] = FIELDS DEAD NAMELESS IN_ORDER,
    [FILE_NAMELESS + 3] = FIELDS DEAD NAMELESS WITH_ALARM IN_ORDER,
    /* From the index alone. */
    [FILE_DUE] = "SELECT class,id,name,0,0,0,next_alarm,0,0 FROM objects"
                 " INDEXED BY objects_alarm WHERE next_alarm<>0"
                 " AND next_alarm<=?1 AND (next_alarm,id)>(?2,?3)"
                 " ORDER BY next_alarm,id",
    [FILE_UNNAMED] = FIELDS "WHERE unnamed<>0",
    [FILE_TOTAL] = "SELECT count FROM classes WHERE number=?1",
};

static int code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* its tables are others */
        return ERR_CORRUPT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

int dirfile_failed(struct dirfile *f, struct error *err)
{
    int code = code_of(sqlite3_extended_errcode(f->db));

    if (code == ERR_CORRUPT)
        return error_set(err, code,
                         "the directory of objects, directory.sqlite in the "
                         "data folder, is damaged (%s); `moonkeep verify "
                         "--rebuild` makes it anew from the objects",
                         sqlite3_errmsg(f->db));
    return error_set(err, code,
                     "the directory of objects, directory.sqlite in the data "
                     "folder, cannot be used: %s",
                     sqlite3_errmsg(f->db));
}

static int run_sql(struct dirfile *f, const char *sql, struct error *err)
{
    if (sqlite3_exec(f->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return dirfile_failed(f, err);
    return 0;
}

int dirfile_open(struct dirfile *f, const char *path, struct error *err)
{
    enum { BUSY_MS = 5000 }; /* somebody else looks into the file */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    *f = (struct dirfile){0};
    int rc =
        sqlite3_open_v2(path == NULL ? ":memory:" : path, &f->db, flags, NULL);
    if (rc != SQLITE_OK) {
        rc = dirfile_failed(f, err);
        dirfile_close(f);
        return rc;
    }
    sqlite3_busy_timeout(f->db, BUSY_MS);
    rc = run_sql(f, setup_sql, err);
    if (rc != 0)
        dirfile_close(f);
    return rc;
}

void dirfile_close(struct dirfile *f)
{
    for (int i = 0; i < FILE_STATEMENTS; i++)
        sqlite3_finalize(f->at[i]); /* NULL is allowed */
    sqlite3_close(f->db);
    *f = (struct dirfile){0};
}

int dirfile_prepare(struct dirfile *f, bool *is_new, struct error *err)
{
    sqlite3_stmt *st;

    if (run_sql(f, "PRAGMA cache_size = -16384", err) != 0)
        return err->code;
    if (sqlite3_prepare_v2(f->db, "PRAGMA user_version", -1, &st, NULL) !=
        SQLITE_OK)
        return dirfile_failed(f, err);
    int rc = sqlite3_step(st);
    int version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW)
        return dirfile_failed(f, err);
    *is_new = version == 0;
    if (version == 0)
        return run_sql(f, tables_sql, err);
    if (version != atoi(VERSION))
        return error_set(err, ERR_CORRUPT,
                         "directory.sqlite in the data folder is of another "
                         "version (%d, expected " VERSION "); `moonkeep verify "
                         "--rebuild` makes it anew from the objects",
                         version);
    return dirfile_statement(f, FILE_GET, err) == NULL ? err->code : 0;
}

int dirfile_mark_whole(struct dirfile *f, struct error *err)
{
    return run_sql(f, "PRAGMA user_version = " VERSION, err);
}

sqlite3_stmt *dirfile_statement(struct dirfile *f, enum file_statement which,
                                struct error *err)
{
    if (f->at[which] == NULL &&
        sqlite3_prepare_v3(f->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &f->at[which], NULL) != SQLITE_OK)
        dirfile_failed(f, err);
    return f->at[which];
}

int dirfile_run(struct dirfile *f, sqlite3_stmt *st, struct error *err)
{
    int rc = sqlite3_step(st) == SQLITE_DONE ? 0 : dirfile_failed(f, err);

    sqlite3_reset(st);
    return rc;
}

int dirfile_do(struct dirfile *f, enum file_statement which, struct error *err)
{
    sqlite3_stmt *st = dirfile_statement(f, which, err);

    return st == NULL ? err->code : dirfile_run(f, st, err);
}

struct note dirfile_row(sqlite3_stmt *st)
{
    const void *id = sqlite3_column_blob(st, 1);
    struct note n = {
        .class = (uint32_t)sqlite3_column_int64(st, 0),
        .known = DIRECTORY_NEW | DIRECTORY_FIELDS,
        .created = sqlite3_column_int64(st, 3),
        .last_commit = sqlite3_column_int64(st, 4),
        .bytes = sqlite3_column_int64(st, 5),
        .next_alarm = sqlite3_column_int64(st, 6),
        .dead = sqlite3_column_int64(st, 7),
    };

    if (id != NULL && sqlite3_column_bytes(st, 1) == OID_SIZE)
        memcpy(n.id.b, id, OID_SIZE);
    if (sqlite3_column_int(st, 8) != 0)
        n.known &= ~(unsigned)DIRECTORY_NAME;
    n.name.p = sqlite3_column_blob(st, 2); /* of x'' it is NULL */
    n.name.n = n.name.p == NULL ? 0 : (size_t)sqlite3_column_bytes(st, 2);
    return n;
}

int dirfile_get(struct dirfile *f, uint32_t class, const struct oid *id,
                struct note *out, struct error *err)
{
    sqlite3_stmt *st = dirfile_statement(f, FILE_GET, err);

    if (st == NULL)
        return err->code;
    sqlite3_reset(st);
    sqlite3_bind_int64(st, 1, class);
    sqlite3_bind_blob(st, 2, id->b, OID_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *out = dirfile_row(st);
        return 1;
    }
    rc = rc == SQLITE_DONE ? 0 : dirfile_failed(f, err);
    sqlite3_reset(st);
    return rc;
}
