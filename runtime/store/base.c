#include "store/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BASES "history/objects"

enum { HEX = 16, PATH_ROOM = sizeof(BASES) + OID_HEX + HEX + 32 };

char *base_path(const struct oid *id, uint64_t number)
{
    char hex[OID_HEX + 1];
    char path[PATH_ROOM];

    oid_to_hex(id, hex);
    int n = snprintf(path, sizeof(path), BASES "/%.2s/%s-%016" PRIx64 ".sqlite",
                     hex, hex, number);
    return mem_dup(path, (size_t)n);
}

/* An empty one was about to be made when the power went. */
int base_is_kept(struct disk *d, const char *base)
{
    struct file *f;
    int rc = d->ops->open(d, base, DISK_READ, &f);

    if (rc != 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    int64_t size = d->ops->size(f);
    d->ops->close(f);
    return size < 0 ? (int)size : size > 0;
}

/* Have the folder of `path`: an empty file makes it. */
static int make_place(struct disk *d, const char *path)
{
    struct file *f;
    int rc = d->ops->open(d, path, DISK_WRITE | DISK_CREATE, &f);

    if (rc == 0)
        d->ops->close(f);
    return rc;
}

/* What is in the file is on disk; ERR_NOT_FOUND: there is none. */
static int sync_file(struct disk *d, const char *path)
{
    struct file *f;
    int rc = d->ops->open(d, path, DISK_WRITE, &f);

    if (rc != 0)
        return rc;
    rc = d->ops->sync(f);
    d->ops->close(f);
    return rc;
}

/* The name `path` is on disk, and those of the folders above it. */
static int sync_name(struct disk *d, const char *path)
{
    char *folder = mem_dup(path, strlen(path));
    int rc = 0;

    for (char *end; rc == 0 && (end = strrchr(folder, '/')) != NULL;) {
        *end = '\0';
        rc = d->ops->sync_folder(d, folder);
    }
    free(folder);
    return rc;
}

int base_keep(struct disk *d, const char *path, const char *base)
{
    int rc = base_is_kept(d, base);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = sync_file(d, path);
    if (rc != 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    rc = make_place(d, base);
    if (rc == 0)
        rc = d->ops->rename(d, path, base);
    if (rc == 0)
        rc = sync_name(d, base);
    return rc != 0 ? rc : sync_name(d, path);
}

struct expiry {
    struct disk *disk;
    uint64_t oldest;
    char folder[sizeof(BASES) + 8];
};

static int expire_file(void *arg, const char *name, bool is_folder)
{
    const struct expiry *e = arg;
    char path[PATH_ROOM];
    uint64_t number;

    if (is_folder || strlen(name) != OID_HEX + 1 + HEX + strlen(".sqlite") ||
        sscanf(name + OID_HEX + 1, "%16" SCNx64, &number) != 1 ||
        number >= e->oldest)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", e->folder, name);
    int rc = e->disk->ops->remove(e->disk, path);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int expire_folder(void *arg, const char *name, bool is_folder)
{
    struct expiry *e = arg;

    if (!is_folder || strlen(name) != 2)
        return 0;
    snprintf(e->folder, sizeof(e->folder), BASES "/%s", name);
    int rc = e->disk->ops->list(e->disk, e->folder, expire_file, e);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int base_expire(struct disk *d, uint64_t oldest)
{
    struct expiry e = {.disk = d, .oldest = oldest};
    int rc = d->ops->list(d, BASES, expire_folder, &e);

    return rc == ERR_NOT_FOUND ? 0 : rc;
}
