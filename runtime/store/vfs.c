#include "store/inside.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/random.h"

/* Pages that SQLite keeps itself; the others come from the overlay at the cost
 * of a copy. */
#define CACHE_PAGES "16"

struct vfs_file {
    sqlite3_file base;
    struct pagefile *pages;
};

static struct pagefile *pages_of(sqlite3_file *file)
{
    return container_of(file, struct vfs_file, base)->pages;
}

static int file_close(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int sqlite_code(int rc, int io)
{
    return rc == 0 ? SQLITE_OK : rc == ERR_FULL ? SQLITE_FULL : io;
}

/* Only pages whole, and parts of one at the start of the file. */
static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    struct pagefile *f = pages_of(file);
    uint32_t number = (uint32_t)(at / STORE_PAGE) + 1;
    size_t skip = (size_t)(at % STORE_PAGE);
    uint8_t page[STORE_PAGE];

    if (number > f->page_count) {
        memset(out, 0, (size_t)n);
        return SQLITE_IOERR_SHORT_READ;
    }
    if (skip + (size_t)n > STORE_PAGE)
        return SQLITE_IOERR_READ;
    if (n == STORE_PAGE)
        return sqlite_code(pagefile_read(f, number, out), SQLITE_IOERR_READ);
    int rc = pagefile_read(f, number, page);
    if (rc == 0)
        memcpy(out, page + skip, (size_t)n);
    return sqlite_code(rc, SQLITE_IOERR_READ);
}

static int file_write(sqlite3_file *file, const void *p, int n,
                      sqlite3_int64 at)
{
    if (n != STORE_PAGE || at % STORE_PAGE != 0)
        return SQLITE_IOERR_WRITE;
    int rc = pagefile_write(pages_of(file), (uint32_t)(at / STORE_PAGE) + 1, p);
    return sqlite_code(rc, SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    pagefile_truncate(pages_of(file), (uint32_t)(size / STORE_PAGE));
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)pages_of(file)->page_count * STORE_PAGE;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    (void)file;
    *out = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    (void)arg;
    if (op == SQLITE_FCNTL_COMMIT_PHASETWO)
        return sqlite_code(commit_pages(pages_of(file)), SQLITE_IOERR_FSYNC);
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
    (void)file;
    return STORE_PAGE;
}

static int file_traits(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_SAFE_APPEND;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
};

static struct vfs *vfs_of(sqlite3_vfs *base)
{
    return container_of(base, struct vfs, base);
}

/* Only databases are opened: journals and temporary tables are in memory. */
static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *file,
                    int flags, int *out_flags)
{
    struct vfs_file *f = container_of(file, struct vfs_file, base);
    struct vfs *v = vfs_of(base);

    (void)name;
    f->base.pMethods = NULL;
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || v->connecting == NULL)
        return SQLITE_CANTOPEN;
    f->pages = v->connecting;
    v->connecting = NULL;
    f->base.pMethods = &methods;
    if (out_flags != NULL)
        *out_flags = SQLITE_OPEN_READWRITE;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync)
{
    (void)base;
    (void)name;
    (void)sync;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *out)
{
    (void)base;
    (void)name;
    (void)flags;
    *out = 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *base, const char *name, int n, char *out)
{
    (void)base;
    snprintf(out, (size_t)n, "%s", name);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    random_bytes(random_system(), out, (size_t)n);
    return n;
}

static int vfs_sleep(sqlite3_vfs *base, int us)
{
    (void)base;
    return us;
}

/* Milliseconds of the Julian day number, which begins 4714 years early. */
static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *out)
{
    *out = 210866760000000 + clock_wall_ms(vfs_of(base)->clock);
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    (void)n;
    (void)out;
    return 0;
}

void vfs_init(struct vfs *v, const struct clock *clock)
{
    *v = (struct vfs){.clock = clock};
    snprintf(v->name, sizeof(v->name), "moonkeep-%p", (void *)v);
    v->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct vfs_file),
        .mxPathname = 64,
        .zName = v->name,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    MUST(sqlite3_vfs_register(&v->base, 0) == SQLITE_OK);
}

void vfs_fini(struct vfs *v)
{
    sqlite3_vfs_unregister(&v->base);
}

static void configure(void)
{
    /* Fails only where SQLite already runs, and then it runs as it is. */
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

int vfs_init_library(struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, configure);
    if (sqlite3_initialize() != SQLITE_OK)
        return error_set(err, ERR_NOMEM, "cannot initialize SQLite");
    return 0;
}

static const char template_sql[] =
    "PRAGMA page_size = 4096;"
    "CREATE TABLE _mk_kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE _mk_meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE _mk_alarms(name TEXT PRIMARY KEY, time INTEGER,"
    " payload BLOB, every INTEGER, cron TEXT, missed TEXT, retry INTEGER,"
    " grid INTEGER) WITHOUT ROWID;";

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
        sqlite3_exec(db, template_sql, NULL, NULL, NULL) == SQLITE_OK)
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

int pagefile_connect(struct pagefile *f, struct sqlite3 **out,
                     struct error *err)
{
    struct vfs *v = &f->client->vfs;
    sqlite3 *db = NULL;

    *out = NULL;
    v->connecting = f;
    int rc = sqlite3_open_v2("object", &db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             v->name);
    v->connecting = NULL;
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, connect_sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = set_page_limit(f, db);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
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
