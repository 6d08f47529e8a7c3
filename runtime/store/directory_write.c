#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/directory_inside.h"

/* A transaction under way. */
struct write {
    struct directory *d;
    struct error *err;
    struct note **notes; /* by class and id */
    size_t count;
    uint32_t class; /* that `delta` is of; 0: none yet */
    int64_t delta;  /* objects more than before */
};

/* As the rows are in the file. */
static int by_key(const void *a, const void *b)
{
    const struct note *x = *(struct note *const *)a;
    const struct note *y = *(struct note *const *)b;

    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    return memcmp(x->id.b, y->id.b, OID_SIZE);
}

static void sort_notes(struct write *w, const struct batch *b)
{
    w->notes = mem_alloc(b->count * sizeof(struct note *));
    for (uint32_t i = 0; i < b->slot_count; i++)
        for (struct note *n = b->slots[i]; n != NULL; n = n->next)
            w->notes[w->count++] = n;
    qsort(w->notes, w->count, sizeof(struct note *), by_key);
}

/* A parameter of one number means the same in every statement. */
static void bind(sqlite3_stmt *st, const struct note *n)
{
    sqlite3_bind_int64(st, 1, n->class);
    sqlite3_bind_blob(st, 2, n->id.b, OID_SIZE, SQLITE_STATIC);
}

static void bind_name(sqlite3_stmt *st, struct slice name)
{
    sqlite3_bind_blob(st, 3, name.n == 0 ? "" : name.p, (int)name.n,
                      SQLITE_STATIC);
}

static void bind_fields(sqlite3_stmt *st, const struct note *n)
{
    bind(st, n);
    bind_name(st, n->name);
    sqlite3_bind_int64(st, 4, n->created);
    sqlite3_bind_int64(st, 5, n->last_commit);
    sqlite3_bind_int64(st, 6, n->bytes);
    sqlite3_bind_int64(st, 7, n->next_alarm);
    sqlite3_bind_int64(st, 8, n->dead);
    sqlite3_bind_int(st, 9, (n->known & DIRECTORY_NAME) == 0);
}

static void bind_known(sqlite3_stmt *st, int at, bool is_known, int64_t value)
{
    if (is_known)
        sqlite3_bind_int64(st, at, value);
    else
        sqlite3_bind_null(st, at);
}

static void bind_size(sqlite3_stmt *st, const struct note *n)
{
    bool is_known = (n->known & DIRECTORY_SIZE) != 0;

    bind_known(st, 5, is_known, n->last_commit);
    bind_known(st, 6, is_known, n->bytes);
}

/* Give the statement what it takes of `n`. */
static void bind_for(enum file_statement which, sqlite3_stmt *st,
                     const struct note *n)
{
    if (which == FILE_INSERT || which == FILE_SET_ALL) {
        bind_fields(st, n);
        return;
    }
    bind(st, n);
    if (which == FILE_SET_NAME)
        bind_name(st, n->name);
    if (which == FILE_SET_SIZE || which == FILE_SET_REST)
        bind_size(st, n);
    if (which == FILE_SET_REST) {
        bind_known(st, 7, (n->known & DIRECTORY_ALARM) != 0, n->next_alarm);
        bind_known(st, 8, (n->known & DIRECTORY_DEAD) != 0, n->dead);
    }
}

/* Returns the rows changed, or ERR_*. */
static int change(struct write *w, enum file_statement which,
                  const struct note *n)
{
    struct dirfile *f = &w->d->file;
    sqlite3_stmt *st = dirfile_statement(f, which, w->err);

    if (st == NULL)
        return w->err->code;
    bind_for(which, st, n);
    int rc = dirfile_run(f, st, w->err);
    return rc != 0 ? rc : sqlite3_changes(f->db);
}

/* What is known of an object that may be there.  Returns the rows changed, or
 * ERR_*. */
static int update(struct write *w, const struct note *n)
{
    int changed = 0;

    if ((n->known & DIRECTORY_NEW) != 0)
        return 0;
    if ((n->known & DIRECTORY_NAME) != 0)
        changed = change(w, FILE_SET_NAME, n);
    if (changed < 0)
        return changed;
    if ((n->known & (DIRECTORY_ALARM | DIRECTORY_DEAD)) != 0)
        return change(w, FILE_SET_REST, n);
    return (n->known & DIRECTORY_SIZE) != 0 ? change(w, FILE_SET_SIZE, n)
                                            : changed;
}

static int write_note(struct write *w, const struct note *n)
{
    if ((n->known & DIRECTORY_GONE) != 0) {
        int rc = change(w, FILE_DELETE, n);

        w->delta -= rc > 0;
        return rc < 0 ? rc : 0;
    }
    int rc = update(w, n);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = change(w, FILE_INSERT, n);
    w->delta += rc > 0;
    if (rc == 0 && (n->known & DIRECTORY_NEW) != 0)
        rc = change(w, FILE_SET_ALL, n);
    return rc < 0 ? rc : 0;
}

/* The class that was being written is done. */
static int write_count(struct write *w)
{
    if (w->delta == 0)
        return 0;
    sqlite3_stmt *st = dirfile_statement(&w->d->file, FILE_COUNT, w->err);
    if (st == NULL)
        return w->err->code;
    sqlite3_bind_int64(st, 1, w->class);
    sqlite3_bind_int64(st, 2, w->delta);
    w->delta = 0;
    return dirfile_run(&w->d->file, st, w->err);
}

static int begin_class(struct write *w, uint32_t class)
{
    int rc = write_count(w);
    sqlite3_stmt *st = dirfile_statement(&w->d->file, FILE_CLASS, w->err);

    if (rc != 0 || st == NULL)
        return w->err->code;
    struct slice name = directory_class_name(w->d, class);
    w->class = class;
    sqlite3_bind_int64(st, 1, class);
    sqlite3_bind_text(st, 2, name.p, (int)name.n, SQLITE_STATIC);
    return dirfile_run(&w->d->file, st, w->err);
}

static int write_notes(struct write *w)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < w->count; i++) {
        if (w->notes[i]->class != w->class)
            rc = begin_class(w, w->notes[i]->class);
        if (rc == 0)
            rc = write_note(w, w->notes[i]);
    }
    return rc != 0 ? rc : write_count(w);
}

static int write_batch(struct directory *d, const struct batch *b,
                       struct error *err)
{
    struct write w = {.d = d, .err = err};
    int rc = dirfile_do(&d->file, FILE_BEGIN, err);

    if (rc != 0)
        return rc;
    sort_notes(&w, b);
    rc = write_notes(&w);
    if (rc == 0)
        rc = dirfile_do(&d->file, FILE_COMMIT, err);
    if (rc != 0 && !sqlite3_get_autocommit(d->file.db))
        dirfile_do(&d->file, FILE_ROLLBACK, &(struct error){0});
    free(w.notes);
    return rc;
}

/* Say once when it begins to fail, and once when it is well again. */
static void report(struct directory *d, int rc, const struct error *err)
{
    if (rc != 0 && !d->is_sick)
        logger_printf(d->logger, LOG_ERROR,
                      "%s; what it lacks is kept in memory and in the log",
                      err->text);
    if (rc == 0 && d->is_sick)
        logger_printf(d->logger, LOG_INFO,
                      "the directory of objects is written again");
    d->is_sick = rc != 0;
}

int directory_write(struct directory *d, struct error *err)
{
    const struct directory_durable *durable = &d->durable;
    bool waits = durable->settle != NULL;
    uint64_t begun = waits ? durable->begin(durable->arg) : 0;
    struct batch *b = pending_fold(&d->pending);
    struct error why = {0};

    if (b == NULL)
        return 0;
    /* A crash must not find an alarm gone from here that its object still
     * has, or has again. */
    if (waits && !durable->settle(durable->arg, begun))
        return error_set(err, ERR_BUSY, "the commit log is behind");
    int rc = write_batch(d, b, &why);
    if (rc == 0)
        pending_written(&d->pending, b);
    report(d, rc, &why);
    if (rc != 0 && err != NULL)
        *err = why;
    return rc;
}
