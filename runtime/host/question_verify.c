/*
 * question_verify.c - `verify`: every object's file, the directory, and whether
 * they agree; the files of history.
 *
 * Files are looked at beside the workers that write them.  Whatever seems wrong
 * is asked of the object's worker before it is called so: a page may just have
 * been written, a commit may not be in the file yet.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "host/backup.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "store/alarm.h"
#include "store/contents.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/examine.h"
#include "store/history.h"

#define PROGRESS_NS 200000000u

struct verifying {
    struct question *q;
    const char *data;
    int64_t total, done, bytes, problems, extra;
    uint64_t sent_ns;
    struct error *err;
    const char *class_name; /* of the file that is looked at */
    bool is_listed;         /* what the directory has was looked at */
};

/* ---- what is told ---- */

/* Say how far it is, from time to time. */
static int progress(struct verifying *v)
{
    uint64_t now = clock_mono_ns(clock_system());

    if (now - v->sent_ns < PROGRESS_NS)
        return 0;
    v->sent_ns = now;
    row_begin(&v->q->row, "progress");
    row_add_integer(&v->q->row, "done", v->done);
    row_add_integer(&v->q->row, "total", v->total);
    return question_send(v->q);
}

/* One thing that is wrong, and the way out. */
static int tell(struct verifying *v, const char *class_name,
                const struct oid *id, struct slice name, const char *what,
                const char *way_out)
{
    struct buf *row = &v->q->row;

    v->problems++;
    row_begin(row, "problem");
    if (class_name == NULL)
        row_add_none(row, "class");
    else
        inspect_add_object(row, slice_of(class_name), id, name);
    row_add_text(row, "problem", slice_of(what));
    row_add_text(row, "way_out", slice_of(way_out));
    return question_send(v->q);
}

#define REBUILD "stop the server and run 'moonkeep verify --rebuild'"
#define REPLACE                                                                \
    "restore the object's file from a backup, or delete the object with "      \
    "'moonkeep delete'"

/* ---- asking the worker ---- */

struct truth {
    const char *class_name;
    struct oid id;
    bool exists;
    struct buf name;
    int64_t next_alarm;
    int rc;
    struct error error; /* when rc is not 0 */
};

static void on_worker(struct worker *w, void *arg)
{
    struct truth *t = arg;
    struct inspect_db d;

    t->rc = inspect_open(w, t->class_name, &t->id, &d, &t->error);
    if (t->rc != 0)
        return;
    t->exists = db_exists(d.db);
    if (t->exists)
        t->rc = contents_check(d.db, &t->error);
    if (t->exists && t->rc == 0) {
        t->next_alarm = alarm_next(d.db);
        buf_add_slice(&t->name, db_name(d.db));
    }
    inspect_close(&d);
}

/* To be freed with truth_fini. */
static struct truth ask_worker(struct verifying *v, const char *class_name,
                               const struct oid *id)
{
    struct truth t = {.class_name = class_name, .id = *id};

    if (!errand_run(node_worker_of(v->q->node, id), on_worker, &t))
        t.rc = error_set(&t.error, ERR_CLOSED, "the server is shutting down");
    return t;
}

static void truth_fini(struct truth *t)
{
    buf_fini(&t->name);
}

/* ---- one object ---- */

struct listed {
    bool was_found;
    struct buf name;
    int64_t next_alarm;
};

static int on_listed(void *arg, const struct directory_entry *e)
{
    struct listed *l = arg;

    l->was_found = true;
    l->name.n = 0;
    buf_add_slice(&l->name, e->name);
    l->next_alarm = e->next_alarm;
    return 0;
}

static int look_up(struct verifying *v, const char *class_name,
                   const struct oid *id, struct listed *l)
{
    l->was_found = false;
    return directory_get(v->q->directory, slice_of(class_name), id, on_listed,
                         l, v->err);
}

static bool agrees(const struct listed *l, struct slice name, int64_t alarm)
{
    return l->was_found && l->next_alarm == alarm &&
           slice_eq(buf_slice(&l->name), name);
}

/* The worker's word on an object that looked wrong. */
static int confirm(struct verifying *v, const char *class_name,
                   const struct oid *id)
{
    struct truth t = ask_worker(v, class_name, id);
    struct slice name = buf_slice(&t.name);
    struct listed l = {0};
    int rc = look_up(v, class_name, id, &l);

    if (rc < 0)
        goto out;
    rc = 0;
    if (t.rc != 0)
        rc = tell(v, class_name, id, buf_slice(&l.name), t.error.text, REPLACE);
    else if (t.exists && !l.was_found)
        rc = tell(v, class_name, id, name, "not in the directory", REBUILD);
    else if (t.exists && !agrees(&l, name, t.next_alarm))
        rc = tell(v, class_name, id, name,
                  "the directory has another name or next alarm", REBUILD);
out:
    buf_fini(&l.name);
    truth_fini(&t);
    return rc;
}

static int check_file(struct verifying *v, const char *path,
                      const struct oid *id)
{
    struct examined e;
    struct listed l = {0};
    int rc = examine_object(path, &e, NULL);

    v->done++;
    if (rc == 0) {
        v->bytes += e.bytes;
        rc = look_up(v, v->class_name, id, &l);
        bool is_good = agrees(&l, buf_slice(&e.name), e.next_alarm);

        examined_fini(&e);
        buf_fini(&l.name);
        if (rc < 0)
            return rc;
        if (is_good)
            return progress(v);
    }
    rc = confirm(v, v->class_name, id);
    return rc != 0 ? rc : progress(v);
}

/* ---- the folders: what the directory has not ---- */

/* Call each(v, path, name) for what is in the folder at `path`. */
static int walk(struct verifying *v, const char *path,
                int (*each)(struct verifying *v, const char *path,
                            const char *name))
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int rc = 0;

    while (folder != NULL && rc == 0 && (entry = readdir(folder)) != NULL) {
        struct buf below = {0};

        if (entry->d_name[0] == '.')
            continue;
        buf_printf(&below, "%s/%s", path, entry->d_name);
        buf_add_byte(&below, '\0');
        rc = each(v, below.p, entry->d_name);
        buf_fini(&below);
    }
    if (folder != NULL)
        closedir(folder);
    return rc;
}

static int on_file(struct verifying *v, const char *path, const char *name)
{
    struct oid id;

    if (strlen(name) != OID_HEX + 7 || strcmp(name + OID_HEX, ".sqlite") != 0 ||
        !oid_from_hex(name, OID_HEX, &id))
        return 0;
    struct listed l = {0};
    int rc = v->is_listed ? look_up(v, v->class_name, &id, &l) : 0;

    buf_fini(&l.name);
    return rc < 0 ? rc : l.was_found ? 0 : check_file(v, path, &id);
}

static int on_part(struct verifying *v, const char *path, const char *name)
{
    (void)name;
    return walk(v, path, on_file);
}

static int on_class(struct verifying *v, const char *path, const char *name)
{
    v->class_name = name;
    return walk(v, path, on_part);
}

/* ---- the directory: every object that was there at the beginning ---- */

static void add_path(struct buf *out, const struct verifying *v,
                     const struct directory_entry *e)
{
    char hex[OID_HEX + 1];

    oid_to_hex(&e->id, hex);
    buf_printf(out, "%s/objects/%.*s/%.2s/%s.sqlite", v->data,
               (int)e->class_name.n, e->class_name.p, hex, hex);
    buf_add_byte(out, '\0');
}

/* It is in the log alone, or gone: an entry too many is harmless. */
static int check_without_file(struct verifying *v,
                              const struct directory_entry *e)
{
    struct truth t = ask_worker(v, v->class_name, &e->id);
    int rc = 0;

    if (t.rc != 0)
        rc = tell(v, v->class_name, &e->id, e->name, t.error.text, REPLACE);
    else if (t.exists)
        v->done++;
    else
        v->extra++;
    truth_fini(&t);
    return rc != 0 ? rc : progress(v);
}

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct verifying *v = arg;
    char *class_name = mem_dup(e->class_name.p, e->class_name.n);
    struct buf path = {0};
    struct stat st;

    v->class_name = class_name;
    add_path(&path, v, e);
    int rc = stat(path.p, &st) == 0 ? check_file(v, path.p, &e->id)
                                    : check_without_file(v, e);
    buf_fini(&path);
    free(class_name);
    return rc;
}

static int check_directory(struct verifying *v)
{
    struct directory_query all = {.limit = -1};
    struct buf path = {0};
    struct error err;

    buf_printf(&path, "%s/directory.sqlite", v->data);
    buf_add_byte(&path, '\0');
    int rc = examine_shared(path.p, &err);
    buf_fini(&path);
    if (rc != 0) {
        char what[ERROR_TEXT_MAX + 32];

        snprintf(what, sizeof(what), "directory.sqlite: %s", err.text);
        return tell(v, NULL, NULL, (struct slice){0}, what, REBUILD);
    }
    v->is_listed = true;
    return directory_list(v->q->directory, &all, on_entry, v, v->err);
}

/* ---- history ---- */

static int on_history(void *arg, const char *path, const char *what)
{
    char text[ERROR_TEXT_MAX];

    if (what == NULL)
        return progress(arg);
    snprintf(text, sizeof(text), "%s is damaged: %s", path, what);
    return tell(arg, NULL, NULL, (struct slice){0}, text,
                "nothing is to be done: what objects are now is not affected, "
                "and the file goes in its time");
}

int question_verify(struct question *q, struct error *err)
{
    struct verifying v = {.q = q,
                          .data = node_config(q->node)->data,
                          .total =
                              directory_count(q->directory, (struct slice){0}),
                          .sent_ns = clock_mono_ns(clock_system()),
                          .err = err};
    struct buf objects = {0};

    buf_printf(&objects, "%s/objects", v.data);
    buf_add_byte(&objects, '\0');
    int rc = check_directory(&v);
    if (rc == 0)
        rc = walk(&v, objects.p, on_class);
    if (rc == 0)
        rc = history_check(node_store(q->node), on_history, &v, err);
    if (rc == 0 && backup_is_part(v.data))
        rc = tell(&v, NULL, NULL, (struct slice){0},
                  "it is a backup that was not finished",
                  "run 'moonkeep backup' again");
    buf_fini(&objects);
    if (rc != 0)
        return rc;
    row_begin(&q->row, "verified");
    row_add_integer(&q->row, "objects", v.done);
    row_add_integer(&q->row, "bytes", v.bytes);
    row_add_integer(&q->row, "problems", v.problems);
    row_add_integer(&q->row, "extra", v.extra);
    /* It was read when the store was opened. */
    row_add_bool(&q->row, "log", node_is_private(q->node));
    return question_send(q);
}
