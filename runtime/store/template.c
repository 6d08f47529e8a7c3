#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "store/inside.h"

static const char template_sql[] =
    "PRAGMA page_size = 4096;"
    /* Each has a page; those that change most lie side by side. */
    "CREATE TABLE _mk_meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE _mk_kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    /* alarm_rows.h */
    "CREATE TABLE _mk_alarms(kind INTEGER, at INTEGER, name BLOB,"
    " time INTEGER, due INTEGER, generation INTEGER, retries INTEGER,"
    " every INTEGER, missed INTEGER, cron TEXT, error TEXT, payload BLOB,"
    " PRIMARY KEY(kind, at, name)) WITHOUT ROWID;";

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

int template_open(sqlite3 **out, struct error *err)
{
    sqlite3 *db = NULL;

    *out = NULL;
    if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
        sqlite3_exec(db, template_sql, NULL, NULL, NULL) == SQLITE_OK &&
        set_schema_version(db) == SQLITE_OK) {
        *out = db;
        return 0;
    }
    int rc = error_set(err, ERR_NOMEM, "cannot build the empty database: %s",
                       sqlite3_errmsg(db));
    sqlite3_close(db);
    return rc;
}

int template_build(struct template_image *t, struct error *err)
{
    sqlite3 *db;
    sqlite3_int64 size = 0;

    *t = (struct template_image){0};
    int rc = template_open(&db, err);
    if (rc != 0)
        return rc;
    unsigned char *image = sqlite3_serialize(db, "main", &size, 0);
    if (image == NULL)
        rc = error_set(err, ERR_NOMEM, "cannot build the empty database");
    else
        split_image(t, image, size);
    sqlite3_free(image);
    sqlite3_close(db);
    return rc;
}

void template_fini(struct template_image *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        page_drop(t->pages[i]);
    free(t->pages);
    *t = (struct template_image){0};
}
