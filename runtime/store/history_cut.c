/*
 * Objects that became what history does not tell, and when: a file from outside
 * took their place (history/cut/<id>-<commit>), or their class was deleted
 * (history/cut/<commit>: their ids, sorted).  The time is before that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/history_inside.h"
#include "store/inside.h"

#define CUT "history/cut"

enum { HEX = 16, TIME = 8, PATH_ROOM = sizeof(CUT) + OID_HEX + HEX + 4 };

/* Of an object, or of those of a class. */
static bool read_name(const char *name, bool is_folder, uint64_t *number)
{
    size_t n = strlen(name);
    const char *hex = n == HEX ? name : name + OID_HEX + 1;

    return !is_folder && (n == HEX || n == OID_HEX + 1 + HEX) &&
           sscanf(hex, "%16" SCNx64, number) == 1;
}

static int write_cut(struct store *s, const char *path, struct slice ids,
                     struct error *err)
{
    struct disk *d = s->config.disk;
    int64_t now = clock_wall_ms(s->config.clock);
    struct buf bytes = {0};
    int rc;

    buf_add(&bytes, &now, TIME);
    buf_add_slice(&bytes, ids);
    /* What is old gives way: who deletes a class may do it for the room. */
    do {
        rc = history_write_file(d, CUT "/making", path, bytes.p, bytes.n);
    } while (rc == ERR_FULL && history_make_room(s));
    buf_fini(&bytes);
    if (rc == 0)
        rc = d->ops->sync_folder(d, CUT);
    if (rc == 0)
        rc = d->ops->sync_folder(d, "history");
    return rc == 0
               ? 0
               : error_set(err, rc, "cannot write %s: %s", path, err_text(rc));
}

int history_cut(struct store *s, const struct oid *id, struct error *err)
{
    char hex[OID_HEX + 1];
    char path[PATH_ROOM];

    if (s->config.history_ms == 0)
        return 0;
    oid_to_hex(id, hex);
    snprintf(path, sizeof(path), CUT "/%s-%016" PRIx64, hex, log_last(s->log));
    return write_cut(s, path, (struct slice){0}, err);
}

/* ---- a class ---- */

struct gathering {
    struct disk *disk;
    const char *path; /* of the class */
    struct buf ids;
};

static int gather_file(void *arg, const char *name, bool is_folder)
{
    struct gathering *g = arg;
    struct oid id;

    if (!is_folder && strlen(name) == OID_HEX + strlen(".sqlite") &&
        oid_from_hex(name, OID_HEX, &id))
        buf_add(&g->ids, id.b, OID_SIZE);
    return 0;
}

static int gather_folder(void *arg, const char *name, bool is_folder)
{
    struct gathering *g = arg;
    struct buf path = {0};

    if (!is_folder)
        return 0;
    buf_printf(&path, "%s/%s", g->path, name);
    buf_add_byte(&path, '\0');
    int rc = g->disk->ops->list(g->disk, path.p, gather_file, g);
    buf_fini(&path);
    return rc;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, OID_SIZE);
}

int history_cut_class(struct store *s, const char *path, struct error *err)
{
    struct disk *d = s->config.disk;
    struct gathering g = {.disk = d, .path = path};
    char cut[PATH_ROOM];

    if (s->config.history_ms == 0)
        return 0;
    int rc = d->ops->list(d, path, gather_folder, &g);
    if (rc != 0)
        error_set(err, rc, "cannot read %s: %s", path, err_text(rc));
    /* A class that was deleted at the same point has a number of its own. */
    uint64_t number = log_last(s->log);
    uint64_t last = history_cut_last(d);
    snprintf(cut, sizeof(cut), CUT "/%016" PRIx64,
             last >= number ? last + 1 : number);
    if (rc == 0 && g.ids.n != 0) {
        qsort(g.ids.p, g.ids.n / OID_SIZE, OID_SIZE, by_bytes);
        rc = write_cut(s, cut, buf_slice(&g.ids), err);
    }
    buf_fini(&g.ids);
    return rc;
}

/* ---- looking ---- */

struct looking {
    struct disk *disk;
    const struct oid *id;
    char hex[OID_HEX + 1];
    struct cut cut;
};

/* Whether the object's id is in the file, or that cannot be told. */
static bool is_among(const struct looking *l, struct file *f)
{
    int64_t low = 0;
    int64_t high = (l->disk->ops->size(f) - TIME) / OID_SIZE;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        struct oid id = {0};

        if (l->disk->ops->pread(f, id.b, OID_SIZE, TIME + middle * OID_SIZE) <
            0)
            return true;
        int order = memcmp(id.b, l->id->b, OID_SIZE);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int look(void *arg, const char *name, bool is_folder)
{
    struct looking *l = arg;
    struct cut cut = {0, 1};
    char path[PATH_ROOM];
    struct file *f;

    if (!read_name(name, is_folder, &cut.number) ||
        cut.number < l->cut.number ||
        (name[HEX] != '\0' && strncmp(name, l->hex, OID_HEX) != 0))
        return 0;
    snprintf(path, sizeof(path), CUT "/%s", name);
    int rc = l->disk->ops->open(l->disk, path, DISK_READ, &f);
    if (rc != 0) {
        /* It counts, so that nobody is given a state that never was. */
        if (rc != ERR_NOT_FOUND)
            l->cut = (struct cut){cut.number, INT64_MAX};
        return 0;
    }
    l->disk->ops->pread(f, &cut.time_ms, TIME, 0);
    if (name[HEX] != '\0' || is_among(l, f))
        l->cut = cut;
    l->disk->ops->close(f);
    return 0;
}

struct cut history_cut_of(struct store *s, const struct oid *id)
{
    struct disk *d = s->config.disk;
    struct looking l = {.disk = d, .id = id};

    oid_to_hex(id, l.hex);
    d->ops->list(d, CUT, look, &l);
    return l.cut;
}

static int look_last(void *arg, const char *name, bool is_folder)
{
    uint64_t *last = arg;
    uint64_t number;

    if (read_name(name, is_folder, &number) && number > *last)
        *last = number;
    return 0;
}

uint64_t history_cut_last(struct disk *d)
{
    uint64_t last = 0;

    d->ops->list(d, CUT, look_last, &last);
    return last;
}

static int expire(void *arg, const char *name, bool is_folder)
{
    const struct looking *l = arg;
    char path[PATH_ROOM];
    uint64_t number;

    if (!read_name(name, is_folder, &number) || number >= l->cut.number)
        return 0;
    snprintf(path, sizeof(path), CUT "/%s", name);
    int rc = l->disk->ops->remove(l->disk, path);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int history_cut_expire(struct disk *d, uint64_t oldest)
{
    struct looking l = {.disk = d, .cut = {oldest, 0}};
    int rc = d->ops->list(d, CUT, expire, &l);

    return rc == ERR_NOT_FOUND ? 0 : rc;
}
