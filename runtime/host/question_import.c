/*
 * question_import.c - `import`: a database that was looked at (store/adopt.h)
 * and lies in the data folder becomes that of an object.
 *
 *   without a file: row "target", what the object is
 *   with one, in a server: its pages become one commit of the object
 *   with one, in a private node: it is moved to its place
 *
 * A server has other objects to think of: what is larger than a turn may write
 * has to wait until it is stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/copying.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/row.h"
#include "object/survey.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/history.h"
#include "store/pagefile.h"
#include "store/snapshot.h"

enum { PAGE = 4096 };

struct importing {
    const char *class_name; /* owned by question_import */
    struct oid id;
    struct buf name; /* that it has or will have */
    bool force, exists;
    struct buf pages;
    struct db_image image;
    struct gate_item item;
    uv_sem_t done;
    struct error error; /* code 0: it is there */
};

/* ---- in a server ---- */

static void on_durable(struct gate_item *item, const struct error *failure)
{
    struct importing *i = container_of(item, struct importing, item);

    if (failure != NULL)
        i->error = *failure;
    uv_sem_post(&i->done);
}

static bool has_storage(struct worker *w, const struct importing *i)
{
    struct inspect_db d;

    if (inspect_open(w, i->class_name, &i->id, &d, NULL) != 0)
        return true; /* damaged, but there */
    bool exists = db_exists(d.db);
    inspect_close(&d);
    return exists;
}

static void look(struct worker *w, void *arg)
{
    struct importing *i = arg;

    i->exists = has_storage(w, i);
}

static void replace(struct worker *w, void *arg)
{
    struct importing *i = arg;

    i->exists = has_storage(w, i);
    if ((i->exists && !i->force) ||
        survey_replace(&w->realm, i->class_name, &i->id, &i->image, &i->item,
                       &i->error) != 0)
        uv_sem_post(&i->done);
}

static int read_pages(struct question *q, struct importing *i, int fd,
                      int64_t size, struct error *err)
{
    int64_t most = node_config(q->node)->limits.turn_mb << 20;
    char *p;

    if (size > most)
        return error_set(err, ERR_LIMIT,
                         "%" PRId64 " MB are more than limits.turn_mb (%" PRId64
                         "), which a running server takes at once: stop it to "
                         "import them",
                         (size >> 20) + 1, most >> 20);
    p = buf_room(&i->pages, (size_t)size);
    if (pread(fd, p, (size_t)size, 0) != size)
        return error_set(err, ERR_IO, "the file cannot be read");
    i->pages.n = (size_t)size;
    i->image.pages = i->pages.p;
    i->image.count = (uint32_t)(size / PAGE);
    return 0;
}

static int commit(struct question *q, struct importing *i, struct error *err)
{
    list_init(&i->item.link);
    i->item.takes_all = true;
    i->item.release = on_durable;
    MUST(uv_sem_init(&i->done, 0) == 0);
    if (errand_run(node_worker_of(q->node, &i->id), replace, i))
        uv_sem_wait(&i->done);
    else
        error_set(&i->error, ERR_CLOSED, "the server is shutting down");
    uv_sem_destroy(&i->done);
    if (i->error.code == 0)
        return 0;
    *err = i->error;
    return err->code;
}

/* ---- in a private node ---- */

static int failed(struct error *err, const char *what, const char *path)
{
    return error_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO,
                     "cannot %s %s: %s", what, path, strerror(errno));
}

/* The directory first: an entry too many is harmless, a missing one is not. */
static int place(struct question *q, struct importing *i, const char *from,
                 int64_t size, struct error *err)
{
    struct directory *directory = store_directory(node_store(q->node));
    const char *data = node_config(q->node)->data;
    char *path = snapshot_path(i->class_name, &i->id);
    struct buf to = {0};
    struct stat st = {0};
    int rc;

    buf_printf(&to, "%s/%s", data, path);
    buf_add_byte(&to, '\0');
    stat(from, &st);
    directory_note(directory,
                   &(struct directory_entry){
                       .class_name = slice_of(i->class_name),
                       .id = i->id,
                       .name = buf_slice(&i->name),
                       .created = (int64_t)st.st_mtim.tv_sec * 1000,
                       .last_commit = (int64_t)st.st_mtim.tv_sec * 1000,
                       .bytes = size,
                       .next_alarm = i->image.next_alarm,
                       .dead = i->image.dead},
                   DIRECTORY_NEW);
    rc = directory_flush(directory, err);
    if (rc == 0) {
        char *slash = strrchr(to.p, '/');

        *slash = '\0';
        rc = copying_make_folder(to.p, err);
        *slash = '/';
    }
    if (rc == 0)
        rc = history_cut(node_store(q->node), &i->id, err);
    if (rc == 0 && rename(from, to.p) != 0)
        rc = failed(err, "move the file to", to.p);
    if (rc == 0)
        rc = copying_sync(data, err);
    buf_fini(&to);
    free(path);
    return rc;
}

/* ---- both ---- */

static int import(struct question *q, struct importing *i, const char *path,
                  struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size % PAGE != 0) {
        if (fd >= 0)
            close(fd);
        return failed(err, "read", path);
    }
    int rc = node_is_private(q->node) ? place(q, i, path, st.st_size, err)
                                      : read_pages(q, i, fd, st.st_size, err);
    close(fd);
    if (rc == 0 && !node_is_private(q->node))
        rc = commit(q, i, err);
    return rc;
}

static int exists_already(const struct importing *i, struct error *err)
{
    return error_set(err, ERR_EXISTS,
                     "there is such an object of class %s already: not done "
                     "without --force, which replaces it",
                     i->class_name);
}

/* "import-..." in the data folder, and nothing else. */
static int import_file(struct question *q, struct importing *i,
                       struct slice file, struct error *err)
{
    struct buf path = {0};

    if (file.n == 0 || memchr(file.p, '/', file.n) != NULL)
        return error_set(err, ERR_INVALID,
                         "a file of the data folder expected");
    i->image.name = buf_slice(&i->name);
    i->image.next_alarm = row_integer(q->asked, "next_alarm");
    i->image.dead = row_integer(q->asked, "dead");
    buf_printf(&path, "%s/%.*s", node_config(q->node)->data, (int)file.n,
               file.p);
    buf_add_byte(&path, '\0');
    int rc = import(q, i, path.p, err);
    buf_fini(&path);
    if (rc == 0 && i->exists && !i->force)
        rc = exists_already(i, err);
    return rc;
}

static int send_target(struct question *q, const struct importing *i)
{
    char hex[OID_HEX + 1];

    oid_to_hex(&i->id, hex);
    row_begin(&q->row, "target");
    row_add_text(&q->row, "class", slice_of(i->class_name));
    row_add_name(&q->row, "name", buf_slice(&i->name));
    row_add_text(&q->row, "id", slice_of(hex));
    row_add_bool(&q->row, "exists", i->exists);
    return question_send(q);
}

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct importing *i = arg;

    buf_add_slice(&i->name, e->name);
    return 0;
}

static int find_target(struct question *q, struct importing *i,
                       struct error *err)
{
    struct slice name;
    int rc = question_check_class(q, err);

    if (rc == 0)
        rc = question_find(q, &i->id, &name, on_entry, i, err);
    if (rc == 0)
        buf_add_slice(&i->name, name);
    return rc < 0 ? rc : 0;
}

int question_import(struct question *q, struct error *err)
{
    struct slice class_name = row_text(q->asked, "class");
    char *class_text =
        mem_dup(class_name.p == NULL ? "" : class_name.p, class_name.n);
    struct importing i = {.class_name = class_text,
                          .force = row_integer(q->asked, "force") != 0};
    struct cell file;
    int rc = find_target(q, &i, err);

    if (rc == 0 && !errand_run(node_worker_of(q->node, &i.id), look, &i))
        rc = error_set(err, ERR_CLOSED, "the server is shutting down");
    if (rc == 0 && i.exists && !i.force)
        rc = exists_already(&i, err);
    if (rc == 0 && row_find(q->asked, "file", &file))
        rc = import_file(q, &i, file.text, err);
    if (rc == 0)
        rc = send_target(q, &i);
    buf_fini(&i.name);
    buf_fini(&i.pages);
    free(class_text);
    return rc;
}
