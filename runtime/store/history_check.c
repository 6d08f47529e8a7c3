/* Whether the files of history are whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/archive.h"
#include "store/history_inside.h"
#include "store/inside.h"

enum { PATH_ROOM = 256, PIECE = 1 << 20 };

struct history_checking {
    struct store *store;
    int (*found)(void *arg, const char *path, const char *what);
    void *arg;
};

typedef int (*check_cb)(struct history_checking *c, const char *path,
                        const char *name);

/* What a look at a file gave.  One that has gone was too old, or has done its
 * work. */
static int tell(struct history_checking *c, const char *path, int rc,
                const char *what)
{
    bool is_good = rc == 0 || rc == ERR_NOT_FOUND;

    return c->found(c->arg, path, is_good ? NULL : what);
}

static int check_archive(struct history_checking *c, const char *path,
                         const char *name)
{
    uint64_t sequence;

    if (!archive_is_name(name, &sequence))
        return 0;
    return tell(c, path, archive_check(c->store->config.disk, sequence),
                "objects cannot go back to, or past, what it has of them");
}

/* All of a file can be read, and it begins as a database does, with whole
 * pages. */
static int read_database(struct disk *d, const char *path)
{
    char *piece;
    struct file *f;
    int64_t at = 0;
    int64_t n;
    int rc = d->ops->open(d, path, DISK_READ, &f);

    if (rc != 0)
        return rc;
    piece = mem_alloc(PIECE);
    while ((n = d->ops->pread(f, piece, PIECE, at)) > 0) {
        if (at == 0 && (n < 16 || memcmp(piece, "SQLite format 3", 16) != 0))
            rc = ERR_CORRUPT;
        at += n;
    }
    free(piece);
    d->ops->close(f);
    if (n < 0)
        return (int)n;
    return at % STORE_PAGE != 0 ? ERR_CORRUPT : rc;
}

static int check_base(struct history_checking *c, const char *path,
                      const char *name)
{
    size_t n = strlen(name);

    if (n < 7 || strcmp(name + n - 7, ".sqlite") != 0)
        return 0;
    return tell(c, path, read_database(c->store->config.disk, path),
                "the object cannot go back to before it was emptied then");
}

static int check_armed(struct history_checking *c, const char *path,
                       const char *name)
{
    struct bookmark b;
    struct oid id;

    if (strlen(name) != OID_HEX || !oid_from_hex(name, OID_HEX, &id))
        return 0;
    return tell(c, path, armed_read(c->store, &id, &b, NULL),
                "the object will not go back to the bookmark that it was told "
                "to");
}

/* ---- the folders ---- */

struct walk {
    struct history_checking *checking;
    const char *folder;
    check_cb check;
    bool has_folders; /* the files are one deeper */
};

static int walk(struct walk *w, struct error *err);

static int see(void *arg, const char *name, bool is_folder)
{
    struct walk *w = arg;
    char path[PATH_ROOM];

    if (is_folder != w->has_folders ||
        snprintf(path, sizeof(path), "%s/%s", w->folder, name) >= PATH_ROOM)
        return 0;
    if (!is_folder)
        return w->check(w->checking, path, name);
    struct walk below = {w->checking, path, w->check, false};
    return walk(&below, NULL);
}

static int walk(struct walk *w, struct error *err)
{
    struct disk *d = w->checking->store->config.disk;
    int rc = d->ops->list(d, w->folder, see, w);

    if (rc == ERR_NOT_FOUND)
        return 0;
    if (rc < 0 && err != NULL && err->code != rc)
        error_set(err, rc, "cannot read the folder %s: %s", w->folder,
                  err_text(rc));
    return rc;
}

int history_check(struct store *s,
                  int (*found)(void *arg, const char *path, const char *what),
                  void *arg, struct error *err)
{
    struct history_checking c = {s, found, arg};
    struct walk walks[] = {
        {&c, "history", check_archive, false},
        {&c, "history/objects", check_base, true},
        {&c, "history/armed", check_armed, false},
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof(walks) / sizeof(*walks) && rc == 0; i++)
        rc = walk(&walks[i], err);
    return rc;
}
