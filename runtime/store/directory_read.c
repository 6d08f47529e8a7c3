#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/directory_inside.h"

/* ---- pending notes ---- */

static void view_add(struct view *v, const struct note *n)
{
    if (v->notes == NULL)
        v->notes = batch_new(0);
    batch_add(v->notes, n);
}

static void view_class(struct view *v, const struct batch *b, uint32_t class)
{
    for (uint32_t i = 0; i < b->slot_count; i++)
        for (const struct note *n = b->slots[i]; n != NULL; n = n->next)
            if (class == 0 || n->class == class)
                view_add(v, n);
}

static void view_init(struct view *v, struct directory *d, uint32_t class,
                      const struct oid *id)
{
    struct batch **held;
    size_t count = pending_take(&d->pending, &held);

    *v = (struct view){0};
    for (size_t i = 0; i < count; i++) {
        const struct note *n =
            id == NULL ? NULL : batch_find(held[i], class, id);

        if (id == NULL)
            view_class(v, held[i], class);
        else if (n != NULL)
            view_add(v, n);
        batch_drop(held[i]);
    }
    free(held);
}

static void view_fini(struct view *v)
{
    batch_drop(v->notes);
    free(v->order);
}

/* ---- a transaction ---- */

int dirread_begin(struct dirread *r, struct directory_reader *reader,
                  uint32_t class, const struct oid *id)
{
    struct directory *d = reader->d;

    r->reader = reader;
    r->file = d->path == NULL ? &d->file : &reader->own;
    if (d->path == NULL)
        pthread_mutex_lock(&d->file_mutex);
    /* First what waits, then the file: what is written in between is seen
     * twice, and told to be the same. */
    view_init(&r->view, d, class, id);
    return dirfile_do(r->file, FILE_BEGIN, r->err);
}

void dirread_end(struct dirread *r)
{
    struct directory *d = r->reader->d;

    for (int i = FILE_GET; i < FILE_STATEMENTS; i++)
        sqlite3_reset(r->file->at[i]); /* NULL is allowed */
    if (!sqlite3_get_autocommit(r->file->db))
        dirfile_do(r->file, FILE_ROLLBACK, &(struct error){0});
    if (d->path == NULL)
        pthread_mutex_unlock(&d->file_mutex);
    view_fini(&r->view);
}

struct note *dirread_note(const struct dirread *r, uint32_t class,
                          const struct oid *id)
{
    return r->view.notes == NULL ? NULL : batch_find(r->view.notes, class, id);
}

int dirread_complete(struct dirread *r, struct note *n)
{
    struct note row;

    if ((n->known & DIRECTORY_GONE) != 0)
        return 0;
    if ((n->known & DIRECTORY_NEW) != 0)
        return 1;
    int rc = dirfile_get(r->file, n->class, &n->id, &row, r->err);
    if (rc <= 0)
        return rc < 0 ? rc : 1;
    note_fold(&row, n);
    batch_add(r->view.notes, &row); /* in the place of `n` */
    return 1;
}

/* ---- pages ---- */

void dirpage_add(struct dirpage *p, const struct note *n)
{
    if (p->count == p->cap) {
        p->cap = p->cap == 0 ? 16 : p->cap * 2;
        p->entries = mem_realloc(p->entries, p->cap * sizeof(*p->entries));
    }
    p->entries[p->count++] = (struct directory_entry){
        .class_name = {NULL, n->class},
        .id = n->id,
        .name = {NULL, n->name.n},
        .created = n->created,
        .last_commit = n->last_commit,
        .bytes = n->bytes,
        .next_alarm = n->next_alarm,
        .dead = n->dead,
    };
    buf_add_slice(&p->names, n->name);
}

int dirpage_send(struct dirpage *p, struct directory *d,
                 int (*each)(void *arg, const struct directory_entry *e),
                 void *arg)
{
    struct slice name = {NULL, 0};
    size_t class = 0;
    size_t at = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->count; i++) {
        struct directory_entry *e = &p->entries[i];

        if (e->class_name.n != class) {
            class = e->class_name.n;
            name = directory_class_name(d, (uint32_t) class);
        }
        e->class_name = name;
        if (e->name.n != 0)
            e->name.p = p->names.p + at;
        at += e->name.n;
        rc = each(arg, e);
    }
    free(p->entries);
    buf_fini(&p->names);
    *p = (struct dirpage){0};
    return rc;
}

/* ---- readers ---- */

int directory_reader_open(struct directory *d, struct directory_reader **out,
                          struct error *err)
{
    struct directory_reader *r = mem_zalloc(sizeof(*r));
    struct error why = {0};

    *out = NULL;
    r->d = d;
    int rc = d->path == NULL ? 0 : dirfile_open(&r->own, d->path, &why);
    if (rc != 0) {
        free(r);
        return error_set(err, rc, "%s", why.text);
    }
    *out = r;
    return 0;
}

void directory_reader_close(struct directory_reader *r)
{
    if (r == NULL)
        return;
    if (r->d->path != NULL)
        dirfile_close(&r->own);
    free(r);
}

int directory_get(struct directory_reader *reader, struct slice class_name,
                  const struct oid *id,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err)
{
    uint32_t class = directory_find_class(reader->d, class_name);
    struct error why = {0};
    struct dirread r = {.err = &why};
    struct dirpage page = {0};
    struct note row = {0};

    if (class == 0)
        return 0;
    int rc = dirread_begin(&r, reader, class, id);
    struct note *n = dirread_note(&r, class, id);
    if (rc == 0 && n != NULL)
        rc = dirread_complete(&r, n);
    else if (rc == 0)
        rc = dirfile_get(r.file, class, id, &row, &why);
    if (rc > 0)
        dirpage_add(&page, n == NULL ? &row : n);
    dirread_end(&r);
    if (rc < 0)
        return error_set(err, rc, "%s", why.text);
    dirpage_send(&page, reader->d, each, arg);
    return rc;
}

/* How many more, or fewer, of its class there are by what waits of it. */
static int difference(struct dirread *r, const struct note *n)
{
    struct note row;
    int rc = dirfile_get(r->file, n->class, &n->id, &row, r->err);

    return rc < 0 ? rc : ((n->known & DIRECTORY_GONE) == 0) - rc;
}

static int64_t count_waiting(struct dirread *r)
{
    const struct batch *b = r->view.notes;
    int64_t count = 0;

    for (uint32_t i = 0; b != NULL && i < b->slot_count; i++) {
        for (const struct note *n = b->slots[i]; n != NULL; n = n->next) {
            int more = difference(r, n);

            if (r->err->code != 0)
                return r->err->code;
            count += more;
        }
    }
    return count;
}

static int64_t count_written(struct dirread *r, uint32_t class)
{
    sqlite3_stmt *st = dirfile_statement(r->file, FILE_TOTAL, r->err);

    if (st == NULL)
        return r->err->code;
    sqlite3_bind_int64(st, 1, class);
    int rc = sqlite3_step(st);
    int64_t count = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        count = dirfile_failed(r->file, r->err);
    sqlite3_reset(st);
    return count;
}

int64_t directory_count(struct directory_reader *reader,
                        struct slice class_name)
{
    struct error why = {0};
    struct dirread r = {.err = &why};
    uint32_t class = directory_find_class(reader->d, class_name);
    int64_t count = 0;

    if (class == 0 && class_name.p != NULL)
        return 0;
    dirread_begin(&r, reader, class, NULL);
    uint32_t last = class != 0 ? class : reader->d->last_class;
    for (uint32_t i = class != 0 ? class : 1; i <= last && why.code == 0; i++)
        count += count_written(&r, i);
    if (why.code == 0)
        count += count_waiting(&r);
    dirread_end(&r);
    return why.code != 0 ? why.code : count;
}

int directory_unnamed(struct directory_reader *reader,
                      int (*each)(void *arg, const struct directory_entry *e),
                      void *arg, struct error *err)
{
    struct error why = {0};
    struct dirread r = {.err = &why};
    struct dirpage page = {0};
    int rc = directory_flush(reader->d, err);

    if (rc != 0)
        return rc;
    rc = dirread_begin(&r, reader, 0, NULL);
    sqlite3_stmt *st =
        rc != 0 ? NULL : dirfile_statement(r.file, FILE_UNNAMED, &why);
    int step = SQLITE_DONE;
    while (st != NULL && (step = sqlite3_step(st)) == SQLITE_ROW) {
        struct note row = dirfile_row(st);

        dirpage_add(&page, &row);
    }
    if (step != SQLITE_DONE)
        dirfile_failed(r.file, &why);
    dirread_end(&r);
    rc = dirpage_send(&page, reader->d, each, arg);
    return why.code != 0 ? error_set(err, why.code, "%s", why.text) : rc;
}
