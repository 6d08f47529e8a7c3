/* The file of a page file, for reading: where it is, having it open, and its
 * first pages, which are read at once: most files have no more. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/inside.h"
#include "store/record.h"

enum {
    OPEN_FILES = 512, /* of one client at a time */
    AHEAD_PAGES = 8,
    PATH_ROOM = RECORD_CLASS_MAX + OID_HEX + 32,
};

static char *put(char *to, const char *text, size_t n)
{
    memcpy(to, text, n);
    return to + n;
}

/* "objects/<Class>/<hh>/<id>.sqlite" into `out[PATH_ROOM]`. */
static size_t put_path(const char *class_name, const struct oid *id, char *out)
{
    char hex[OID_HEX + 1];
    char *p = put(out, "objects/", 8);

    oid_to_hex(id, hex);
    p = put(p, class_name, strlen(class_name));
    *p++ = '/';
    p = put(p, hex, 2);
    *p++ = '/';
    p = put(p, hex, OID_HEX);
    p = put(p, ".sqlite", sizeof(".sqlite"));
    return (size_t)(p - out) - 1;
}

char *pagefile_path(const char *class_name, const struct oid *id)
{
    char path[PATH_ROOM];
    size_t n = put_path(class_name, id, path);

    return mem_dup(path, n);
}

void pagefile_close_file(struct pagefile *f)
{
    if (f->file == NULL)
        return;
    f->file->disk->ops->close(f->file);
    f->file = NULL;
    list_unlink(&f->file_link);
    f->client->open_file_count--;
}

/* Have the object's file open, the one used longest ago closed for it. */
static int open_file(struct pagefile *f)
{
    struct store_client *c = f->client;
    struct disk *disk = c->store->config.disk;
    char path[PATH_ROOM];

    if (f->file != NULL) {
        list_unlink(&f->file_link);
        list_push(&c->open_files, &f->file_link);
        return 0;
    }
    put_path(f->class->name, &f->id, path);
    int rc = disk->ops->open(disk, path, DISK_READ, &f->file);
    if (rc != 0)
        return rc;
    list_push(&c->open_files, &f->file_link);
    if (++c->open_file_count > OPEN_FILES)
        pagefile_close_file(
            container_of(c->open_files.next, struct pagefile, file_link));
    return 0;
}

void pagefile_forget_ahead(const struct pagefile *f)
{
    if (f->client->ahead.file == f)
        f->client->ahead.file = NULL;
}

static int64_t open_and_read(struct pagefile *f)
{
    struct ahead *a = &f->client->ahead;
    const size_t room = (size_t)AHEAD_PAGES * STORE_PAGE;
    int rc = open_file(f);

    if (rc != 0)
        return rc;
    if (a->pages == NULL)
        a->pages = mem_alloc(room);
    a->file = NULL;
    int64_t n = f->file->disk->ops->pread(f->file, a->pages, room, 0);
    if (n <= 0)
        return n;
    a->file = f;
    a->count = (uint32_t)(n / STORE_PAGE);
    return n < (int64_t)room ? n : f->file->disk->ops->size(f->file);
}

int64_t pagefile_open_file(struct pagefile *f)
{
    const struct store *s = f->client->store;
    uint64_t begin = clock_mono_ns(s->config.clock);
    int64_t size = open_and_read(f);

    if (size > 0)
        warmer_note(s->warmer, clock_mono_ns(s->config.clock) - begin);
    return size;
}

int64_t pagefile_read_file(struct pagefile *f, uint32_t number, uint8_t *out)
{
    const struct ahead *a = &f->client->ahead;
    int64_t at = (int64_t)(number - 1) * STORE_PAGE;

    if (a->file == f && number <= a->count) {
        memcpy(out, a->pages + at, STORE_PAGE);
        return STORE_PAGE;
    }
    int rc = open_file(f);
    return rc != 0 ? rc
                   : f->file->disk->ops->pread(f->file, out, STORE_PAGE, at);
}
