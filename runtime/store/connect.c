#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "store/inside.h"

/* Pages that SQLite keeps itself; the others come from the overlay at the cost
 * of a copy. */
#define CACHE_PAGES "16"

static const char template_sql[] =
    "PRAGMA page_size = 4096;"
    "CREATE TABLE _mk_kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE _mk_meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE _mk_alarms(name TEXT PRIMARY KEY, time INTEGER,"
    " payload BLOB, every INTEGER, cron TEXT, missed TEXT, retry INTEGER,"
    " grid INTEGER) WITHOUT ROWID;";

/* The schema's version tells this schema from every other: the one of another
 * template, and what a script makes of this one, which counts on from here. */
static int set_schema_version(sqlite3 *db)
{
    uint32_t version =
        (uint32_t)XXH3_64bits(template_sql, sizeof(template_sql)) >> 1;
    char sql[64];

    snprintf(sql, sizeof(sql), "PRAGMA schema_version = %u", version);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void split_image(struct template_image *t, const unsigned char *image,
                        sqlite3_int64 size)
{
    t->count = (uint32_t)(size / STORE_PAGE);
    t->pages = mem_zalloc(t->count * sizeof(struct page *));
    for (uint32_t i = 0; i < t->count; i++) {
        t->pages[i] = page_new();
        memcpy(t->pages[i]->bytes, image + (size_t)i * STORE_PAGE, STORE_PAGE);
    }
}

int template_build(struct template_image *t, struct error *err)
{
    sqlite3 *db = NULL;
    sqlite3_int64 size = 0;
    unsigned char *image = NULL;

    *t = (struct template_image){0};
    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_exec(db, template_sql, NULL, NULL, NULL) == SQLITE_OK &&
        set_schema_version(db) == SQLITE_OK)
        image = sqlite3_serialize(db, "main", &size, 0);
    if (image == NULL) {
        int rc =
            error_set(err, ERR_NOMEM, "cannot build the empty database: %s",
                      sqlite3_errmsg(db));
        sqlite3_close(db);
        return rc;
    }
    split_image(t, image, size);
    sqlite3_free(image);
    sqlite3_close(db);
    return 0;
}

void template_fini(struct template_image *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        page_drop(t->pages[i]);
    free(t->pages);
    *t = (struct template_image){0};
}

static const char connect_sql[] = "PRAGMA locking_mode = EXCLUSIVE;"
                                  "PRAGMA journal_mode = MEMORY;"
                                  "PRAGMA synchronous = OFF;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA secure_delete = OFF;"
                                  "PRAGMA cache_size = " CACHE_PAGES ";";

/* The limit on the object's size, known to SQLite so that a statement finds
 * it and not the commit. */
static int set_page_limit(struct pagefile *f, sqlite3 *db)
{
    int64_t pages = f->client->store->config.object_bytes / STORE_PAGE;
    char sql[64];

    if (pages == 0)
        return SQLITE_OK;
    snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
             (long long)(pages < INT_MAX ? pages : INT_MAX - 1));
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int map_connect(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

/* Give a connection that pagefile_disconnect kept to `f`. */
static sqlite3 *take_kept(struct pagefile *f)
{
    struct store_client *c = f->client;

    if (c->kept_count == 0)
        return NULL;
    sqlite3 *db = c->kept[--c->kept_count];
    vfs_bind(db, f);
    if (sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) ==
        SQLITE_OK)
        return db;
    sqlite3_close(db);
    return NULL;
}

static int open_new(struct pagefile *f, sqlite3 **out)
{
    struct vfs *v = &f->client->vfs;

    v->connecting = f;
    int rc = sqlite3_open_v2("object", out,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             v->name);
    v->connecting = NULL;
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*out, connect_sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(*out, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    return rc;
}

int pagefile_connect(struct pagefile *f, struct sqlite3 **out,
                     struct error *err)
{
    sqlite3 *db = take_kept(f);
    int rc = SQLITE_OK;

    *out = NULL;
    if (db == NULL)
        rc = open_new(f, &db);
    if (rc == SQLITE_OK)
        rc = set_page_limit(f, db);
    if (rc != SQLITE_OK) {
        int code = map_connect(rc);

        error_set(err, code, "cannot open the object's database: %s",
                  sqlite3_errmsg(db));
        sqlite3_close(db);
        return code;
    }
    *out = db;
    return 0;
}

/* The schema of the object, which the connection has parsed, is the one that
 * every object starts with. */
static bool has_template_schema(struct pagefile *f)
{
    enum { COOKIE_AT = 40, COOKIE_SIZE = 4 }; /* of SQLite's file format */
    uint8_t page[STORE_PAGE];

    return pagefile_read(f, 1, page) == 0 &&
           memcmp(page + COOKIE_AT,
                  f->client->store->image.pages[0]->bytes + COOKIE_AT,
                  COOKIE_SIZE) == 0;
}

/* Make the connection forget the object: it lets go of its lock, for which a
 * read must end, and of its cache. */
static bool unbind(sqlite3 *db)
{
    sqlite3_set_authorizer(db, NULL, NULL);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return sqlite3_exec(db,
                        "PRAGMA locking_mode = NORMAL;"
                        "SELECT 1 FROM _mk_meta LIMIT 1",
                        NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_file_control(db, "main", SQLITE_FCNTL_RESET_CACHE, NULL) ==
               SQLITE_OK &&
           vfs_unbind(db);
}

void pagefile_disconnect(struct pagefile *f, struct sqlite3 *db,
                         enum pagefile_use use)
{
    struct store_client *c = f->client;

    if (use == PAGEFILE_PLAIN && f->failure == 0 && c->kept_count < KEPT_MAX &&
        sqlite3_get_autocommit(db) != 0 &&
        sqlite3_next_stmt(db, NULL) == NULL && has_template_schema(f) &&
        unbind(db))
        c->kept[c->kept_count++] = db;
    else
        sqlite3_close(db);
}
