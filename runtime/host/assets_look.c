#include "host/assets_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Never waits for the other end of a pipe, never takes a terminal. */
enum {
    FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
    READ_TRIES = 3 /* of a file that changes meanwhile */
};

/* ---- the folder ---- */

/* The path of what is open as `fd`; false: not known. */
static bool real_path(int fd, char out[PATH_MAX])
{
    char link[32];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);

    if (n < 0)
        return false;
    out[n] = '\0';
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names end with a NUL each in f->text, which moves while it grows. */
static void sort_names(struct assets_folder *f)
{
    const char *at = f->text.p;

    f->names = mem_alloc((f->count + 1) * sizeof(*f->names));
    for (size_t i = 0; i < f->count; i++) {
        f->names[i] = at;
        at += strlen(at) + 1;
    }
    qsort(f->names, f->count, sizeof(*f->names), compare);
}

static int read_names(struct assets_folder *f)
{
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int error = dir == NULL ? errno : 0;

    while (dir != NULL && !f->is_complete && f->count < ASSETS_NAMES_MAX) {
        errno = 0;
        const struct dirent *e = readdir(dir);

        if (e != NULL) {
            buf_add(&f->text, e->d_name, strlen(e->d_name) + 1);
            f->count++;
            continue;
        }
        error = errno;
        f->is_complete = true;
    }
    if (dir != NULL)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    sort_names(f);
    return error;
}

struct assets_folder *assets_look_folder(const char *path)
{
    struct assets_folder *f = mem_zalloc(sizeof(*f));
    char real[PATH_MAX];
    int error = 0;

    f->refs = 1;
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0 || !real_path(f->fd, real))
        error = errno;
    else
        error = read_names(f);
    if (error != 0) {
        assets_look_free(f);
        errno = error;
        return NULL;
    }
    f->real = mem_dup(real, strlen(real));
    return f;
}

void assets_look_free(struct assets_folder *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f->real);
    buf_fini(&f->text);
    free(f->names);
    free(f);
}

bool assets_look_may_have(const struct assets_folder *f, struct slice name)
{
    size_t low = 0;
    size_t high = f->count;

    if (!f->is_complete)
        return true;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strncmp(name.p, f->names[mid], name.n);

        if (order == 0 && f->names[mid][name.n] == '\0')
            return true;
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

/* ---- a file ---- */

static bool is_inside(const struct assets_folder *f, int fd)
{
    char real[PATH_MAX];
    size_t n = strlen(f->real);

    if (!real_path(fd, real) || strncmp(real, f->real, n) != 0)
        return false;
    return f->real[n - 1] == '/' || real[n] == '/';
}

/* What keeps a file from being found at all. */
static void fail(struct assets_found *out, int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:
        out->kind = ASSETS_MISSING;
        break;
    case EACCES:
    case EPERM:
        out->kind = ASSETS_MISSING;
        out->error = error;
        break;
    default:
        out->kind = ASSETS_FAILED;
        out->error = error;
        break;
    }
}

static struct assets_meta meta_of(const struct stat *st)
{
    return (struct assets_meta){.size = st->st_size,
                                .mtime_ns =
                                    (int64_t)st->st_mtim.tv_sec * 1000000000 +
                                    st->st_mtim.tv_nsec,
                                .inode = st->st_ino};
}

static bool is_same(const struct assets_meta *a, const struct assets_meta *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->inode == b->inode;
}

/* Read all of it; 0 or errno.  out->bytes is shorter if the file became so. */
static int read_bytes(int fd, struct assets_found *out)
{
    char *room = buf_room(&out->bytes, (size_t)out->meta.size + 1);
    size_t size = (size_t)out->meta.size;
    ssize_t n = 1;

    out->bytes.n = 0;
    while (out->bytes.n < size && n > 0) {
        n = pread(fd, room + out->bytes.n, size - out->bytes.n,
                  (off_t)out->bytes.n);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n < 0)
            n = 1;
        else
            out->bytes.n += (size_t)n;
    }
    return 0;
}

/* A small file's bytes and what is known of it should be of the same state. */
static void read_small(int fd, struct assets_found *out)
{
    struct assets_meta before;
    struct stat st;
    int tries = 0;

    out->kind = ASSETS_SMALL;
    do {
        before = out->meta;
        int error = read_bytes(fd, out);
        if (error == 0 && fstat(fd, &st) != 0)
            error = errno;
        if (error != 0) {
            fail(out, error);
            return;
        }
        out->meta = meta_of(&st);
    } while (!is_same(&before, &out->meta) && ++tries < READ_TRIES &&
             out->meta.size <= ASSETS_SMALL_MAX);
    out->meta.size = (int64_t)out->bytes.n; /* of one that never rests */
}

static bool is_indexed(const struct assets_folder *f, int folder)
{
    struct stat st;
    int fd = openat(folder, "index.html", FLAGS);

    if (fd < 0)
        return false;
    bool is = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_inside(f, fd);

    close(fd);
    return is;
}

static void look_open(const struct assets_folder *f, int fd,
                      const struct assets_meta *known, struct assets_found *out)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        fail(out, errno);
        return;
    }
    if (!is_inside(f, fd))
        return;
    if (S_ISDIR(st.st_mode)) {
        out->kind = is_indexed(f, fd) ? ASSETS_INDEXED : ASSETS_MISSING;
        return;
    }
    if (!S_ISREG(st.st_mode))
        return;
    out->meta = meta_of(&st);
    if (known != NULL && is_same(known, &out->meta))
        out->kind = ASSETS_SAME;
    else if (out->meta.size <= ASSETS_SMALL_MAX)
        read_small(fd, out);
    else
        out->kind = ASSETS_LARGE;
}

void assets_look_file(const struct assets_folder *f, const char *path,
                      const struct assets_meta *known, struct assets_found *out)
{
    *out = (struct assets_found){.kind = ASSETS_MISSING, .fd = -1};
    int fd = openat(f->fd, path, FLAGS);

    if (fd < 0) {
        fail(out, errno);
        return;
    }
    look_open(f, fd, known, out);
    if (out->kind == ASSETS_LARGE)
        out->fd = fd;
    else
        close(fd);
    if (out->kind != ASSETS_SMALL)
        buf_fini(&out->bytes);
}
