/*
 * Classes renamed and deleted.  When the store has been opened, every object is
 * whole in its file, the files are durable, and the log is empty: so a folder
 * that is moved moves all there is of a class, and nothing brings it back.
 */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "store/history.h"
#include "store/inside.h"
#include "store/record.h"

#define GONE "objects/.deleted" /* not the name of a class */

enum { PATH_ROOM = RECORD_CLASS_MAX + 320 };

/* A folder being emptied, its folders with it. */
struct walk {
    struct disk *disk;
    bool files_too;
    char path[PATH_ROOM];
};

static int empty_folder(struct walk *w);

static int remove_one(struct walk *w)
{
    int rc = w->disk->ops->remove(w->disk, w->path);

    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int empty_entry(void *arg, const char *name, bool is_folder)
{
    struct walk *w = arg;
    size_t n = strlen(w->path);
    int rc = 0;

    if (n + strlen(name) + 2 > PATH_ROOM)
        return ERR_IO;
    snprintf(w->path + n, PATH_ROOM - n, "/%s", name);
    if (is_folder)
        rc = empty_folder(w);
    else if (w->files_too)
        rc = remove_one(w);
    w->path[n] = '\0';
    return rc;
}

/* Empty the folder at w->path and remove it; one that keeps files stays. */
static int empty_folder(struct walk *w)
{
    int rc = w->disk->ops->list(w->disk, w->path, empty_entry, w);

    if (rc == 0)
        rc = remove_one(w);
    return rc == ERR_NOT_FOUND || (rc == ERR_EXISTS && !w->files_too) ? 0 : rc;
}

static void class_path(char out[PATH_ROOM], const char *name)
{
    snprintf(out, PATH_ROOM, "objects/%s", name);
}

static int ignore(void *arg, const char *name, bool is_folder)
{
    (void)arg;
    (void)name;
    (void)is_folder;
    return 0;
}

int class_move_sweep(struct disk *d)
{
    struct walk w = {.disk = d, .files_too = true, .path = GONE};
    int rc = d->ops->list(d, GONE, ignore, NULL);

    if (rc != 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    rc = empty_folder(&w);
    return rc != 0 ? rc : d->ops->sync_all(d);
}

/* 1 when the class has objects, 0 when not, or ERR_*. */
static int has_objects(struct store *s, const char *name, struct error *err)
{
    MUST(list_empty(&s->clients));
    if (!classes_is_name(slice_of(name)))
        return error_set(err, ERR_INVALID, "'%s' is not the name of a class",
                         name);
    int rc = classes_has_file(s->config.disk, name);
    if (rc < 0)
        error_set(err, rc, "cannot look for objects of class '%s': %s", name,
                  err_text(rc));
    return rc;
}

/* Move a folder, durably. */
static int move(struct disk *d, const char *from, const char *to)
{
    int rc = d->ops->rename(d, from, to);

    return rc != 0 ? rc : d->ops->sync_all(d);
}

int store_rename_class(struct store *s, const char *from, const char *to,
                       struct error *err)
{
    struct walk w = {.disk = s->config.disk};
    char path[PATH_ROOM];
    int rc = has_objects(s, from, err);

    if (rc < 0)
        return rc;
    if (rc == 0) /* perhaps it was moved just before a crash */
        return directory_move_class(s->directory, from, to, err);
    rc = has_objects(s, to, err);
    if (rc < 0)
        return rc;
    if (rc > 0)
        return error_set(err, ERR_EXISTS,
                         "cannot rename class '%s' to '%s': both have objects",
                         from, to);
    class_path(path, from);
    class_path(w.path, to);
    rc = empty_folder(&w);
    if (rc == 0)
        rc = move(w.disk, path, w.path);
    if (rc != 0)
        return error_set(err, rc, "cannot rename class '%s' to '%s': %s", from,
                         to, err_text(rc));
    return directory_move_class(s->directory, from, to, err);
}

int store_delete_class(struct store *s, const char *name, struct error *err)
{
    struct disk *d = s->config.disk;
    char path[PATH_ROOM];
    int rc = has_objects(s, name, err);

    if (rc < 0)
        return rc;
    if (rc == 0)
        return directory_move_class(s->directory, name, NULL, err);
    class_path(path, name);
    rc = history_cut_class(s, path, err);
    if (rc != 0)
        return rc;
    rc = class_move_sweep(d);
    if (rc == 0)
        rc = move(d, path, GONE);
    if (rc != 0)
        return error_set(err, rc, "cannot delete class '%s': %s", name,
                         err_text(rc));
    /* It is gone; what cannot be removed now is when the store is opened. */
    class_move_sweep(d);
    return directory_move_class(s->directory, name, NULL, err);
}
