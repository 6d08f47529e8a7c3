#include "store/base.h"

#include <inttypes.h>
#include <stdio.h>
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

/* Of a file at `path`; ERR_NOT_FOUND: there is none. */
static int64_t size_of(struct disk *d, const char *path)
{
    struct file *f;
    int rc = d->ops->open(d, path, DISK_READ, &f);

    if (rc != 0)
        return rc;
    int64_t size = d->ops->size(f);
    d->ops->close(f);
    return size;
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

int base_keep(struct disk *d, const char *path, const char *base)
{
    int64_t there = size_of(d, base);

    if (there > 0 || (there < 0 && there != ERR_NOT_FOUND))
        return there > 0 ? 0 : (int)there;
    int64_t size = size_of(d, path);
    if (size < 0)
        return size == ERR_NOT_FOUND ? 0 : (int)size;
    int rc = make_place(d, base);
    return rc != 0 ? rc : d->ops->rename(d, path, base);
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
