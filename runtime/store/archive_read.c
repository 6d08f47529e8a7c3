#include <inttypes.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/archive_inside.h"

const char archive_magic[8] = "MKHIST01";

void archive_name(uint64_t sequence, char out[ARCHIVE_NAME_MAX])
{
    snprintf(out, ARCHIVE_NAME_MAX, ARCHIVE_FOLDER "/%016" PRIx64 ".mkh",
             sequence);
}

uint64_t archive_sum(const struct archive_footer *f)
{
    return XXH3_64bits(f, offsetof(struct archive_footer, sum));
}

uint64_t archive_entry_sum(const struct archive_entry *e)
{
    return XXH3_64bits(e, offsetof(struct archive_entry, own_sum));
}

static int open_archive(struct disk *d, uint64_t sequence, struct file **out)
{
    char name[ARCHIVE_NAME_MAX];

    archive_name(sequence, name);
    return d->ops->open(d, name, DISK_READ, out);
}

static int read_all(struct file *f, void *p, size_t n, uint64_t at)
{
    int64_t got = f->disk->ops->pread(f, p, n, (int64_t)at);

    if (got < 0)
        return (int)got;
    return (size_t)got == n ? 0 : ERR_CORRUPT;
}

static int read_footer(struct file *f, struct archive *out)
{
    struct archive_footer t;
    int64_t size = f->disk->ops->size(f);

    if (size < (int64_t)sizeof(t))
        return size < 0 ? (int)size : ERR_CORRUPT;
    uint64_t end = (uint64_t)size - sizeof(t);
    int rc = read_all(f, &t, sizeof(t), end);
    if (rc != 0)
        return rc;
    if (memcmp(t.magic, archive_magic, sizeof(t.magic)) != 0 ||
        t.sum != archive_sum(&t) || t.index_at > end ||
        t.index_n != (end - t.index_at) / sizeof(struct archive_entry))
        return ERR_CORRUPT;
    *out = (struct archive){t.sequence, t.previous, t.before,   t.last,
                            t.first_ms, t.last_ms,  t.index_at, t.index_n};
    return 0;
}

struct listing {
    struct disk *disk;
    struct archive *all;
    size_t n;
};

bool archive_is_name(const char *name, uint64_t *sequence)
{
    return strlen(name) == 20 && strcmp(name + 16, ".mkh") == 0 &&
           sscanf(name, "%16" SCNx64, sequence) == 1;
}

static int list_one(void *arg, const char *name, bool is_folder)
{
    struct listing *l = arg;
    struct archive a;
    struct file *f;
    uint64_t sequence;

    if (is_folder || !archive_is_name(name, &sequence))
        return 0;
    int rc = open_archive(l->disk, sequence, &f);
    if (rc != 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    rc = read_footer(f, &a);
    l->disk->ops->close(f);
    if (rc != 0 || a.sequence != sequence)
        return rc == ERR_CORRUPT ? 0 : rc;
    l->all = mem_realloc(l->all, (l->n + 1) * sizeof(a));
    l->all[l->n++] = a;
    return 0;
}

static int by_sequence(const void *a, const void *b)
{
    uint64_t x = ((const struct archive *)a)->sequence;
    uint64_t y = ((const struct archive *)b)->sequence;

    return x < y ? -1 : x > y;
}

int archive_list(struct disk *d, struct archive **out, size_t *n,
                 struct error *err)
{
    struct listing l = {.disk = d};
    int rc = d->ops->list(d, ARCHIVE_FOLDER, list_one, &l);

    if (rc != 0 && rc != ERR_NOT_FOUND) {
        free(l.all);
        return error_set(err, rc, "cannot read the folder history: %s",
                         err_text(rc));
    }
    if (l.n != 0)
        qsort(l.all, l.n, sizeof(*l.all), by_sequence);
    *out = l.all;
    *n = l.n;
    return 0;
}

/* Records of one object that are being read. */
struct reading {
    struct file *file;
    const struct archive *archive;
    struct buf packed, plain;
    int (*each)(void *arg, uint64_t number, const struct record *r);
    void *arg;
};

static int entry_at(const struct reading *r, uint64_t i,
                    struct archive_entry *out)
{
    int rc = read_all(r->file, out, sizeof(*out),
                      r->archive->index_at + i * sizeof(*out));

    if (rc != 0)
        return rc;
    return out->own_sum == archive_entry_sum(out) ? 0 : ERR_CORRUPT;
}

/* The first entry of the object, or of one behind it. */
static int find_entry(const struct reading *r, const struct oid *id,
                      uint64_t *out)
{
    uint64_t low = 0;
    uint64_t high = r->archive->index_n;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct archive_entry e;
        int rc = entry_at(r, middle, &e);

        if (rc != 0)
            return rc;
        if (memcmp(e.id, id->b, OID_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return 0;
}

static int give_records(const struct reading *r)
{
    struct slice left = buf_slice(&r->plain);

    while (left.n != 0) {
        struct archive_part part;
        struct record record;

        if (left.n < sizeof(part))
            return ERR_CORRUPT;
        memcpy(&part, left.p, sizeof(part));
        if (part.length > left.n - sizeof(part))
            return ERR_CORRUPT;
        struct record_head head = {.length = part.length,
                                   .body_sum = part.body_sum};
        if (record_read_body(&head, left.p + sizeof(part), &record) != 0)
            return ERR_CORRUPT;
        int rc = r->each(r->arg, part.number, &record);
        if (rc != 0)
            return rc;
        left.p += sizeof(part) + part.length;
        left.n -= sizeof(part) + part.length;
    }
    return 0;
}

static int read_block(struct reading *r, const struct archive_entry *e)
{
    if (e->plain > LZ4_MAX_INPUT_SIZE || e->packed > INT32_MAX)
        return ERR_CORRUPT;
    r->packed.n = r->plain.n = 0;
    char *packed = buf_room(&r->packed, e->packed);
    int rc = read_all(r->file, packed, e->packed, e->at);
    if (rc != 0)
        return rc;
    if (XXH3_64bits(packed, e->packed) != e->sum)
        return ERR_CORRUPT;
    char *plain = buf_room(&r->plain, e->plain);
    if (LZ4_decompress_safe(packed, plain, (int)e->packed, (int)e->plain) !=
        (int)e->plain)
        return ERR_CORRUPT;
    r->plain.n = e->plain;
    return give_records(r);
}

static int read_object(struct reading *r, const struct oid *id)
{
    uint64_t at;
    int rc = find_entry(r, id, &at);

    for (; rc == 0 && at < r->archive->index_n; at++) {
        struct archive_entry e;

        rc = entry_at(r, at, &e);
        if (rc == 0 && memcmp(e.id, id->b, OID_SIZE) != 0)
            break;
        if (rc == 0)
            rc = read_block(r, &e);
    }
    return rc;
}

int archive_each(struct disk *d, const struct archive *a, const struct oid *id,
                 int (*each)(void *arg, uint64_t number,
                             const struct record *r),
                 void *arg, struct error *err)
{
    struct reading r = {.archive = a, .each = each, .arg = arg};
    char name[ARCHIVE_NAME_MAX];
    int rc = open_archive(d, a->sequence, &r.file);

    if (rc == 0) {
        rc = read_object(&r, id);
        d->ops->close(r.file);
    }
    buf_fini(&r.packed);
    buf_fini(&r.plain);
    if (rc < 0) {
        archive_name(a->sequence, name);
        error_set(err, rc, "cannot read %s: %s", name, err_text(rc));
    }
    return rc;
}

/* ---- all of it ---- */

struct checking {
    struct archive archive;
    struct archive_entry entry; /* that is looked at */
    uint64_t at;                /* where its block has to be */
    uint64_t number;            /* the last that was seen of the object */
};

static int check_record(void *arg, uint64_t number, const struct record *r)
{
    struct checking *c = arg;
    bool is_good = memcmp(r->id.b, c->entry.id, OID_SIZE) == 0 &&
                   number > c->number && number <= c->archive.last;

    c->number = number;
    return is_good ? 0 : ERR_CORRUPT;
}

static int check_entry(struct reading *r, uint64_t i)
{
    struct checking *c = r->arg;
    struct archive_entry before = c->entry;
    int rc = entry_at(r, i, &c->entry);

    if (rc != 0)
        return rc;
    int order = i == 0 ? -1 : memcmp(before.id, c->entry.id, OID_SIZE);
    if (order > 0 || c->entry.at != c->at)
        return ERR_CORRUPT;
    if (order != 0)
        c->number = c->archive.before;
    c->at += c->entry.packed;
    return read_block(r, &c->entry);
}

static int check_all(struct reading *r, uint64_t sequence)
{
    struct checking *c = r->arg;
    int rc = read_footer(r->file, &c->archive);

    if (rc == 0 && c->archive.sequence != sequence)
        rc = ERR_CORRUPT;
    for (uint64_t i = 0; rc == 0 && i < c->archive.index_n; i++)
        rc = check_entry(r, i);
    return rc == 0 && c->at != c->archive.index_at ? ERR_CORRUPT : rc;
}

int archive_check(struct disk *d, uint64_t sequence)
{
    struct checking c = {0};
    struct reading r = {.archive = &c.archive, .each = check_record, .arg = &c};
    int rc = open_archive(d, sequence, &r.file);

    if (rc == 0) {
        rc = check_all(&r, sequence);
        d->ops->close(r.file);
    }
    buf_fini(&r.packed);
    buf_fini(&r.plain);
    return rc;
}

int archive_remove(struct disk *d, uint64_t sequence)
{
    char name[ARCHIVE_NAME_MAX];

    archive_name(sequence, name);
    int rc = d->ops->remove(d, name);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

void archive_sweep(struct disk *d)
{
    d->ops->remove(d, ARCHIVE_MAKING);
}
