#include "store/inside.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/random.h"
#include "store/sqlmem.h"

enum { COOKIE_AT = 40, COOKIE_SIZE = 4 }; /* of SQLite's file format */

struct vfs_file {
    sqlite3_file base;
    const struct vfs *vfs;
    struct pagefile *pages; /* NULL while the connection is kept for another */
    int lock;
    uint8_t cookie[COOKIE_SIZE]; /* of page 1 as SQLite saw it last */
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
    if (rc == ERR_FULL || rc == ERR_LIMIT)
        return SQLITE_FULL;
    return rc == 0 ? SQLITE_OK : io;
}

static uint32_t count_of(const struct vfs_file *f)
{
    return f->pages != NULL ? f->pages->page_count : f->vfs->image->count;
}

static int read_page(const struct vfs_file *f, uint32_t number, uint8_t *out)
{
    if (f->pages != NULL)
        return pagefile_read(f->pages, number, out);
    memcpy(out, f->vfs->image->pages[number - 1]->bytes, STORE_PAGE);
    return 0;
}

static void note_schema(struct vfs_file *f, uint32_t number,
                        const uint8_t *page)
{
    if (number == 1)
        memcpy(f->cookie, page + COOKIE_AT, COOKIE_SIZE);
}

/* Only pages whole, and parts of one at the start of the file. */
static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    struct vfs_file *f = container_of(file, struct vfs_file, base);
    uint32_t number = (uint32_t)(at / STORE_PAGE) + 1;
    size_t skip = (size_t)(at % STORE_PAGE);
    uint8_t page[STORE_PAGE];

    if (number > count_of(f)) {
        memset(out, 0, (size_t)n);
        return SQLITE_IOERR_SHORT_READ;
    }
    if (skip + (size_t)n > STORE_PAGE)
        return SQLITE_IOERR_READ;
    uint8_t *whole = n == STORE_PAGE ? out : page;
    int rc = read_page(f, number, whole);
    if (rc == 0 && whole != out)
        memcpy(out, page + skip, (size_t)n);
    else if (rc == 0)
        note_schema(f, number, whole);
    return sqlite_code(rc, SQLITE_IOERR_READ);
}

static int file_write(sqlite3_file *file, const void *p, int n,
                      sqlite3_int64 at)
{
    if (n != STORE_PAGE || at % STORE_PAGE != 0)
        return SQLITE_IOERR_WRITE;
    if (at == 0)
        note_schema(container_of(file, struct vfs_file, base), 1, p);
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
    const struct vfs_file *f = container_of(file, struct vfs_file, base);

    *out = (sqlite3_int64)count_of(f) * STORE_PAGE;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    container_of(file, struct vfs_file, base)->lock = level;
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
    f->vfs = v;
    f->pages = v->connecting;
    f->lock = SQLITE_LOCK_NONE;
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

void vfs_init(struct vfs *v, const struct clock *clock,
              const struct template_image *image)
{
    *v = (struct vfs){.clock = clock, .image = image};
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

static struct vfs_file *file_of(sqlite3 *db)
{
    sqlite3_file *file = NULL;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return container_of(file, struct vfs_file, base);
}

void vfs_bind(sqlite3 *db, struct pagefile *pages)
{
    file_of(db)->pages = pages;
}

void vfs_unbind(sqlite3 *db)
{
    file_of(db)->pages = NULL;
}

bool vfs_has_template_schema(sqlite3 *db)
{
    const struct vfs_file *f = file_of(db);

    return memcmp(f->cookie, f->vfs->image->pages[0]->bytes + COOKIE_AT,
                  COOKIE_SIZE) == 0;
}

bool vfs_is_locked(sqlite3 *db)
{
    return file_of(db)->lock != SQLITE_LOCK_NONE;
}

static void configure(void)
{
    /* Fails only where SQLite already runs, and then it runs as it is. */
    sqlmem_install();
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
