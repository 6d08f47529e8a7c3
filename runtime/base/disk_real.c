#include "base/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"

struct real_disk {
    struct disk base;
    int root; /* descriptor of the root folder */
    int lock; /* descriptor of the lock file, -1 while not held */
};

struct real_file {
    struct file base;
    int fd;
};

static struct real_disk *real(struct disk *d)
{
    return container_of(d, struct real_disk, base);
}

static int fd_of(struct file *f)
{
    return container_of(f, struct real_file, base)->fd;
}

static int map_errno(int e)
{
    switch (e) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case EWOULDBLOCK:
        return ERR_LOCKED;
    default:
        return ERR_IO;
    }
}

static int result(int rc)
{
    return rc < 0 ? map_errno(errno) : 0;
}

/* Make every folder above the last part of `path` below `root`. */
static int make_folders(int root, const char *path)
{
    char part[PATH_MAX];

    for (const char *p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/')) {
        size_t n = (size_t)(p - path);

        if (n == 0)
            continue;
        if (n >= sizeof(part))
            return ERR_IO;
        memcpy(part, path, n);
        part[n] = '\0';
        if (mkdirat(root, part, 0755) != 0 && errno != EEXIST)
            return map_errno(errno);
    }
    return 0;
}

/* As openat, and without a time of access, which nobody asks for, but which
 * would be written: the system allows that for one's own files. */
static int open_at(int root, const char *path, int mode)
{
    int fd = openat(root, path, mode | O_NOATIME, 0644);

    if (fd < 0 && errno == EPERM)
        fd = openat(root, path, mode, 0644);
    return fd;
}

static int real_open(struct disk *d, const char *path, int flags,
                     struct file **out)
{
    int mode = (flags & DISK_WRITE) != 0 ? O_RDWR : O_RDONLY;

    *out = NULL;
    mode |= O_CLOEXEC | ((flags & DISK_CREATE) != 0 ? O_CREAT : 0) |
            ((flags & DISK_EXCLUSIVE) != 0 ? O_EXCL : 0);
    int fd = open_at(real(d)->root, path, mode);
    if (fd < 0 && errno == ENOENT && (flags & DISK_CREATE) != 0) {
        int rc = make_folders(real(d)->root, path);

        if (rc != 0)
            return rc;
        fd = open_at(real(d)->root, path, mode);
    }
    if (fd < 0)
        return map_errno(errno);
    struct real_file *f = mem_alloc(sizeof(*f));
    *f = (struct real_file){{d}, fd};
    *out = &f->base;
    return 0;
}

static void real_close(struct file *f)
{
    close(fd_of(f));
    free(container_of(f, struct real_file, base));
}

static int64_t real_pread(struct file *f, void *p, size_t n, int64_t at)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got =
            pread(fd_of(f), (char *)p + done, n - done, at + (int64_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return map_errno(errno);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

/* The rest of a part that was written only in part. */
static int write_rest(int fd, const char *p, size_t n, int64_t at)
{
    while (n > 0) {
        ssize_t put = pwrite(fd, p, n, at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? map_errno(errno) : ERR_IO;
        p += put;
        n -= (size_t)put;
        at += put;
    }
    return 0;
}

/* Finish parts `v[0..n)` of which the kernel took the first `put` bytes. */
static int finish_parts(int fd, const struct iovec *v, int n, size_t put,
                        int64_t at)
{
    for (int i = 0; i < n; i++) {
        size_t skip = put < v[i].iov_len ? put : v[i].iov_len;
        int rc = write_rest(fd, (const char *)v[i].iov_base + skip,
                            v[i].iov_len - skip, at + (int64_t)skip);

        if (rc != 0)
            return rc;
        put -= skip;
        at += (int64_t)v[i].iov_len;
    }
    return 0;
}

static int64_t length_of(const struct iovec *v, int n)
{
    int64_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += (int64_t)v[i].iov_len;
    return sum;
}

static int real_pwritev(struct file *f, const struct iovec *v, int n,
                        int64_t at)
{
    while (n > 0) {
        int part = n < IOV_MAX ? n : IOV_MAX;
        int64_t want = length_of(v, part);
        ssize_t put = pwritev(fd_of(f), v, part, at);

        if (put < 0 && errno != EINTR)
            return map_errno(errno);
        if (put < want) {
            int rc =
                finish_parts(fd_of(f), v, part, put < 0 ? 0 : (size_t)put, at);

            if (rc != 0)
                return rc;
        }
        v += part;
        n -= part;
        at += want;
    }
    return 0;
}

static int real_sync(struct file *f)
{
    return result(fdatasync(fd_of(f)));
}

static int real_truncate(struct file *f, int64_t size)
{
    return result(ftruncate(fd_of(f), size));
}

static int real_allocate(struct file *f, int64_t size)
{
    int e;

    do
        e = posix_fallocate(fd_of(f), 0, size);
    while (e == EINTR);
    return e == 0 ? 0 : map_errno(e);
}

static int64_t real_size(struct file *f)
{
    struct stat st;

    return fstat(fd_of(f), &st) != 0 ? map_errno(errno) : (int64_t)st.st_size;
}

static int64_t real_modified_ms(struct file *f)
{
    struct stat st;

    if (fstat(fd_of(f), &st) != 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

static int real_remove(struct disk *d, const char *path)
{
    int rc = unlinkat(real(d)->root, path, 0);

    if (rc != 0 && errno == EISDIR)
        rc = unlinkat(real(d)->root, path, AT_REMOVEDIR);
    return result(rc);
}

static int real_rename(struct disk *d, const char *from, const char *to)
{
    return result(renameat(real(d)->root, from, real(d)->root, to));
}

static int real_sync_all(struct disk *d)
{
    return result(syncfs(real(d)->root));
}

static int open_folder(struct disk *d, const char *path)
{
    return openat(real(d)->root, path[0] == '\0' ? "." : path,
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int real_sync_folder(struct disk *d, const char *path)
{
    int fd = open_folder(d, path);

    if (fd < 0)
        return map_errno(errno);
    int rc = result(fsync(fd));
    close(fd);
    return rc;
}

static bool is_folder(int fd, const struct dirent *e)
{
    struct stat st;

    if (e->d_type != DT_UNKNOWN)
        return e->d_type == DT_DIR;
    return fstatat(fd, e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int real_list(struct disk *d, const char *path,
                     int (*each)(void *arg, const char *name, bool is_folder),
                     void *arg)
{
    int fd = open_folder(d, path);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        int rc = map_errno(errno);

        if (fd >= 0)
            close(fd);
        return rc;
    }
    int rc = 0;
    const struct dirent *e;
    while (rc == 0 && (e = readdir(dir)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = each(arg, e->d_name, is_folder(fd, e));
    closedir(dir);
    return rc;
}

static int real_lock(struct disk *d)
{
    struct real_disk *r = real(d);

    if (r->lock >= 0)
        return 0;
    int fd = openat(r->root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return map_errno(errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int rc = map_errno(errno);

        close(fd);
        return rc;
    }
    char pid[32];
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    /* The number only helps a reader; a full disk must not stop a start. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
        (void)ftruncate(fd, 0);
    r->lock = fd;
    return 0;
}

static void real_free(struct disk *d)
{
    struct real_disk *r = real(d);

    if (r->lock >= 0)
        close(r->lock);
    close(r->root);
    free(r);
}

static const struct disk_ops real_ops = {
    .open = real_open,
    .close = real_close,
    .pread = real_pread,
    .pwritev = real_pwritev,
    .sync = real_sync,
    .truncate = real_truncate,
    .allocate = real_allocate,
    .size = real_size,
    .modified_ms = real_modified_ms,
    .remove = real_remove,
    .rename = real_rename,
    .sync_all = real_sync_all,
    .sync_folder = real_sync_folder,
    .list = real_list,
    .lock = real_lock,
    .free = real_free,
};

int disk_real_new(const char *root, struct disk **out, struct error *err)
{
    char inside[PATH_MAX];

    *out = NULL;
    if (snprintf(inside, sizeof(inside), "%s/.", root) >= (int)sizeof(inside))
        return error_set(err, ERR_IO, "path of the data folder is too long");
    int rc = make_folders(AT_FDCWD, inside);
    int fd = rc != 0 ? -1 : open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rc == 0 && fd < 0)
        rc = map_errno(errno);
    if (rc != 0)
        return error_set(err, rc, "cannot open the data folder %s: %s", root,
                         strerror(errno));
    struct real_disk *r = mem_alloc(sizeof(*r));
    *r = (struct real_disk){{&real_ops}, fd, -1};
    *out = &r->base;
    return 0;
}
