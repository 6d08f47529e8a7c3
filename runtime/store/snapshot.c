#include "store/snapshot.h"

#include <sqlite3.h>

#include "store/inside.h"
#include "store/recovery.h"
#include "store/segment.h"

enum { BUSY_MS = 10000 };

static int replay(const struct snapshot *s, struct directory *directory,
                  struct error *err)
{
    struct segments segments;
    struct recovery_report report;
    int rc = segments_load_guest(&segments, s->from, s->oldest, err);

    if (rc != 0)
        return rc;
    rc = recovery_run(&(struct recovery){.segments = &segments,
                                         .disk = s->to,
                                         .directory = directory,
                                         .logger = s->logger,
                                         .upto = s->upto,
                                         .class_name = s->class_name,
                                         .id = s->id},
                      &report, err);
    segments_fini(&segments);
    return rc;
}

int snapshot_apply(const struct snapshot *s, struct error *err)
{
    struct directory_config config = {.path = s->directory,
                                      .logger = s->logger};
    struct directory *directory = NULL;
    int rc = vfs_init_library(err);

    if (rc == 0 && s->directory != NULL)
        rc = directory_open(&config, &directory, err);
    if (rc == 0)
        rc = replay(s, directory, err);
    directory_close(directory);
    return rc;
}

static int refuse(sqlite3 *db, const char *path, struct error *err)
{
    int primary = sqlite3_errcode(db) & 0xff;
    int code = primary == SQLITE_FULL      ? ERR_FULL
               : primary == SQLITE_CORRUPT ? ERR_CORRUPT
                                           : ERR_IO;

    return error_set(err, code, "%s: %s", path, sqlite3_errmsg(db));
}

/* All pages in one step: of one moment. */
static int copy_pages(sqlite3 *from, sqlite3 *to, const char *path,
                      struct error *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

    if (b == NULL)
        return refuse(to, path, err);
    sqlite3_backup_step(b, -1);
    return sqlite3_backup_finish(b) == SQLITE_OK ? 0 : refuse(to, path, err);
}

int snapshot_directory(const char *from, const char *to, struct error *err)
{
    sqlite3 *source = NULL;
    sqlite3 *copy = NULL;
    int rc = vfs_init_library(err);

    if (rc != 0)
        return rc;
    if (sqlite3_open_v2(from, &source, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        rc = refuse(source, from, err);
    if (rc == 0 &&
        sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                        NULL) != SQLITE_OK)
        rc = refuse(copy, to, err);
    if (rc == 0) {
        sqlite3_busy_timeout(source, BUSY_MS);
        rc = copy_pages(source, copy, to, err);
    }
    sqlite3_close(copy);
    sqlite3_close(source);
    return rc;
}

char *snapshot_path(const char *class_name, const struct oid *id)
{
    return pagefile_path(class_name, id);
}
