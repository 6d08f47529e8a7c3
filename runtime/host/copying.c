#include "host/copying.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/oid.h"

enum {
    PIECE = 1 << 20,   /* bytes between two signs of progress */
    SETTLED_S = 2,     /* a file changed after that may change unseen */
    FOLDERS_OPEN = 16, /* while one is removed */
    SUFFIX = 7         /* of ".sqlite" */
};

static int failed(struct error *err, const char *what, const char *path)
{
    int code = errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;

    return error_set(err, code, "cannot %s %s: %s", what, path,
                     strerror(errno));
}

/* "folder/path"; owned. */
static char *join(const char *folder, const char *path)
{
    struct buf out = {0};

    buf_printf(&out, "%s/%s", folder, path);
    buf_add_byte(&out, '\0');
    return out.p;
}

/* ---- owners ---- */

/* What root makes in somebody's folder is to be his: the server of that data
 * may run as another user. */
static void inherit_owner(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (geteuid() != 0 || slash == NULL || slash == path)
        return;
    char *folder = mem_dup(path, (size_t)(slash - path));
    if (stat(folder, &st) == 0 && lchown(path, st.st_uid, st.st_gid) != 0)
        perror(path); /* whoever reads it will say more */
    free(folder);
}

/* ---- folders ---- */

int copying_make_folder(const char *path, struct error *err)
{
    char *part = mem_dup(path, strlen(path));
    int rc = 0;

    for (char *p = part + 1; rc == 0; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char was = *p;

        *p = '\0';
        if (mkdir(part, 0700) == 0)
            inherit_owner(part);
        else if (errno != EEXIST)
            rc = failed(err, "make the folder", part);
        *p = was;
        if (was == '\0')
            break;
    }
    free(part);
    return rc;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

int copying_remove(const char *path, struct error *err)
{
    if (nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) == 0 ||
        errno == ENOENT)
        return 0;
    return failed(err, "remove", path);
}

int copying_sync(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 || syncfs(fd) != 0 ? failed(err, "sync", path) : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

struct names {
    char **at; /* owned, as the array */
    size_t count;
};

static void names_fini(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->at[i]);
    free(n->at);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What is in a folder, sorted; nothing when it is not there. */
static int list(const char *path, struct names *out, struct error *err)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    *out = (struct names){0};
    if (folder == NULL)
        return errno == ENOENT ? 0 : failed(err, "read the folder", path);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        out->at = mem_realloc(out->at, (out->count + 1) * sizeof(*out->at));
        out->at[out->count++] = mem_dup(entry->d_name, strlen(entry->d_name));
    }
    closedir(folder);
    if (out->count != 0)
        qsort(out->at, out->count, sizeof(*out->at), by_name);
    return 0;
}

static bool is_object(const char *name)
{
    struct oid id;

    return strlen(name) == OID_HEX + SUFFIX &&
           strcmp(name + OID_HEX, ".sqlite") == 0 &&
           oid_from_hex(name, OID_HEX, &id);
}

/* ---- walking ---- */

struct walk {
    const char *folder;
    int (*each)(void *arg, const char *path);
    void *arg;
    struct error *err;
};

/* objects/ (level 0), a class, the first two digits, and the files. */
static int walk(const struct walk *w, const char *path, int level)
{
    char *full = join(w->folder, path);
    struct names names;
    int rc = list(full, &names, w->err);

    for (size_t i = 0; i < names.count && rc == 0; i++) {
        char *below = join(path, names.at[i]);

        if (level < 2)
            rc = walk(w, below, level + 1);
        else if (is_object(names.at[i]))
            rc = w->each(w->arg, below);
        free(below);
    }
    names_fini(&names);
    free(full);
    return rc;
}

int copying_each(const char *folder, int (*each)(void *arg, const char *path),
                 void *arg, struct error *err)
{
    struct walk w = {folder, each, arg, err};

    return walk(&w, "objects", 0);
}

/* ---- one file ---- */

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_copied(const struct stat *from, const char *to)
{
    struct stat st;

    return stat(to, &st) == 0 && st.st_size == from->st_size &&
           is_same_time(st.st_mtim, from->st_mtim);
}

static int tell(struct copying *c)
{
    return c->progress != NULL && c->progress(c->arg, c) != 0 ? ERR_CANCELED
                                                              : 0;
}

static ssize_t write_all(int to, const char *p, ssize_t n)
{
    for (ssize_t done = 0; done < n;) {
        ssize_t written = write(to, p + done, (size_t)(n - done));

        if (written < 0)
            return -1;
        done += written;
    }
    return n;
}

/* The next piece, of bytes copied; 0 at the end.  The system does it by itself
 * where it can: not from any file system to any other. */
static ssize_t copy_piece(int from, int to, char *piece)
{
    ssize_t n = copy_file_range(from, NULL, to, NULL, PIECE, 0);

    if (n >= 0 || errno == ENOSPC || errno == EIO)
        return n;
    n = read(from, piece, PIECE);
    return n <= 0 ? n : write_all(to, piece, n);
}

static int copy_bytes(struct copying *c, int from, int to, const char *path,
                      struct error *err)
{
    char *piece = mem_alloc(PIECE);
    int rc = 0;
    ssize_t n;

    while (rc == 0 && (n = copy_piece(from, to, piece)) != 0) {
        if (n < 0) {
            rc = failed(err, "copy", path);
            break;
        }
        c->done += n;
        if (tell(c) != 0)
            rc = error_set(err, ERR_CANCELED, "canceled");
    }
    free(piece);
    return rc;
}

/* The copy gets the time that the original had, if a later change would show;
 * else one that no original has. */
static void set_time(int to, const struct stat *before, const struct stat *now)
{
    bool is_settled = before->st_mtim.tv_sec + SETTLED_S <
                          clock_wall_ms(clock_system()) / 1000 &&
                      is_same_time(before->st_mtim, now->st_mtim) &&
                      before->st_size == now->st_size;
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {0}};

    if (is_settled)
        times[1] = before->st_mtim;
    futimens(to, times);
}

static int copy_open(struct copying *c, int from, const struct stat *before,
                     const char *path, struct error *err)
{
    struct stat now;
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (to < 0)
        return failed(err, "make", path);
    inherit_owner(path);
    int rc = copy_bytes(c, from, to, path, err);

    if (rc == 0 && fstat(from, &now) == 0)
        set_time(to, before, &now);
    if (close(to) != 0 && rc == 0)
        rc = failed(err, "write", path);
    return rc;
}

static int make_folder_of(const char *path, struct error *err)
{
    char *folder = mem_dup(path, strlen(path));
    struct stat st;

    *strrchr(folder, '/') = '\0';
    int rc = stat(folder, &st) == 0 ? 0 : copying_make_folder(folder, err);
    free(folder);
    return rc;
}

static int copy_file(struct copying *c, const char *from_path,
                     const char *to_path, struct error *err)
{
    struct stat st;
    int from = open(from_path, O_RDONLY | O_CLOEXEC);

    if (from < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : failed(err, "open", from_path);
    int rc = fstat(from, &st) == 0 ? 0 : failed(err, "look at", from_path);

    c->files += rc == 0;
    if (rc == 0 && is_copied(&st, to_path)) {
        c->passed_over++;
        c->done += st.st_size;
    } else {
        if (rc == 0)
            rc = make_folder_of(to_path, err);
        if (rc == 0)
            rc = copy_open(c, from, &st, to_path, err);
    }
    close(from);
    return rc;
}

int copying_file(struct copying *c, const char *path, struct error *err)
{
    char *from = join(c->from, path);
    char *to = join(c->to, path);
    int rc = copy_file(c, from, to, err);

    free(from);
    free(to);
    if (rc == 0 && tell(c) != 0)
        rc = error_set(err, ERR_CANCELED, "canceled");
    return rc;
}

/* ---- all of them ---- */

struct each {
    struct copying *c;
    struct error *err;
};

static int measure(void *arg, const char *path)
{
    struct copying *c = arg;
    char *full = join(c->from, path);
    struct stat st;

    if (stat(full, &st) == 0)
        c->total += st.st_size;
    free(full);
    return 0;
}

int copying_measure(struct copying *c, struct error *err)
{
    c->total = 0;
    return copying_each(c->from, measure, c, err);
}

static int copy_each(void *arg, const char *path)
{
    struct each *e = arg;
    int rc = copying_file(e->c, path, e->err);

    return rc == ERR_NOT_FOUND ? 0 : rc; /* deleted meanwhile */
}

/* A copy whose original is gone. */
static int remove_each(void *arg, const char *path)
{
    struct each *e = arg;
    char *from = join(e->c->from, path);
    char *to = join(e->c->to, path);
    struct stat st;
    int rc = 0;

    if (stat(from, &st) != 0 && errno == ENOENT && unlink(to) != 0)
        rc = failed(e->err, "remove", to);
    free(from);
    free(to);
    return rc;
}

int copying_objects(struct copying *c, struct error *err)
{
    struct each e = {c, err};
    int rc = copying_each(c->to, remove_each, &e, err);

    return rc != 0 ? rc : copying_each(c->from, copy_each, &e, err);
}
