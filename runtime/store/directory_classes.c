/* Classes of the directory: a number for each, in memory and in the file. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/directory_inside.h"

static struct dirclass *find_class(const struct directory *d, struct slice name)
{
    struct dirclass *c = d->classes;

    while (c != NULL && (c->number == 0 || !slice_eq(slice_of(c->name), name)))
        c = c->next;
    return c;
}

static struct dirclass *add_class(struct directory *d, uint32_t number,
                                  struct slice name)
{
    struct dirclass *c = mem_zalloc(sizeof(*c) + name.n + 1);

    memcpy(c->name, name.p, name.n);
    c->number = number;
    c->next = d->classes;
    d->classes = c;
    if (number > d->last_class)
        d->last_class = number;
    return c;
}

uint32_t directory_intern(struct directory *d, struct slice name)
{
    struct dirclass *c = find_class(d, name);

    if (c == NULL)
        c = add_class(d, d->last_class + 1, name);
    return c->number;
}

uint32_t directory_find_class(struct directory *d, struct slice name)
{
    pthread_mutex_lock(&d->pending.mutex);
    struct dirclass *c = find_class(d, name);
    uint32_t number = c == NULL ? 0 : c->number;
    pthread_mutex_unlock(&d->pending.mutex);
    return number;
}

struct slice directory_class_name(struct directory *d, uint32_t number)
{
    pthread_mutex_lock(&d->pending.mutex);
    struct dirclass *c = d->classes;
    while (c != NULL && c->number != number)
        c = c->next;
    pthread_mutex_unlock(&d->pending.mutex);
    return slice_of(c == NULL ? "" : c->name);
}

int directory_load_classes(struct directory *d, struct error *err)
{
    sqlite3_stmt *st;
    int rc;

    if (sqlite3_prepare_v2(d->file.db, "SELECT number, name FROM classes", -1,
                           &st, NULL) != SQLITE_OK)
        return dirfile_failed(&d->file, err);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        add_class(d, (uint32_t)sqlite3_column_int64(st, 0),
                  slice_of((const char *)sqlite3_column_text(st, 1)));
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : dirfile_failed(&d->file, err);
}

static int move_rows(struct directory *d, uint32_t from, uint32_t to,
                     struct error *err)
{
    char sql[512];

    if (to == 0)
        snprintf(sql, sizeof(sql),
                 "BEGIN; DELETE FROM objects WHERE class=%u;"
                 "DELETE FROM classes WHERE number=%u; COMMIT",
                 from, from);
    else
        snprintf(sql, sizeof(sql),
                 "BEGIN; UPDATE OR REPLACE objects SET class=%u WHERE class=%u;"
                 "DELETE FROM classes WHERE number=%u;"
                 "UPDATE classes SET count=(SELECT count(*) FROM objects WHERE "
                 "class=%u) WHERE number=%u; COMMIT",
                 to, from, from, to, to);
    if (sqlite3_exec(d->file.db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    int rc = dirfile_failed(&d->file, err);
    sqlite3_exec(d->file.db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int rename_row(struct directory *d, uint32_t from, const char *to,
                      struct error *err)
{
    sqlite3_stmt *st;

    if (sqlite3_prepare_v2(d->file.db,
                           "UPDATE classes SET name=?2 WHERE number=?1", -1,
                           &st, NULL) != SQLITE_OK)
        return dirfile_failed(&d->file, err);
    sqlite3_bind_int64(st, 1, from);
    sqlite3_bind_text(st, 2, to, -1, SQLITE_STATIC);
    int rc = dirfile_run(&d->file, st, err);
    sqlite3_finalize(st);
    return rc;
}

int directory_move_class(struct directory *d, const char *from, const char *to,
                         struct error *err)
{
    struct error why = {0};
    int rc = directory_flush(d, err);

    if (rc != 0)
        return rc;
    struct dirclass *c = find_class(d, slice_of(from));
    struct dirclass *other = to == NULL ? NULL : find_class(d, slice_of(to));
    if (c == NULL)
        return 0;
    pthread_mutex_lock(&d->file_mutex);
    if (to != NULL && other == NULL)
        rc = rename_row(d, c->number, to, &why);
    else
        rc = move_rows(d, c->number, other == NULL ? 0 : other->number, &why);
    pthread_mutex_unlock(&d->file_mutex);
    if (rc != 0)
        return error_set(err, rc, "%s", why.text);
    if (to != NULL && other == NULL)
        add_class(d, c->number, slice_of(to));
    c->number = 0;
    return 0;
}
