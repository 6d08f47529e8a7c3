/* Objects that are to go back at their next wake: history/armed/<id>. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/table.h"
#include "store/history_inside.h"
#include "store/inside.h"

#define ARMED "history/armed"

enum { PATH_ROOM = sizeof(ARMED) + OID_HEX + 2 };

struct armed_bytes {
    char magic[8];
    uint64_t number, is_undo, sum; /* the sum is over what is before it */
};

static const char armed_magic[8] = "MKARMED1";

static void path_of(const struct oid *id, char out[PATH_ROOM])
{
    char hex[OID_HEX + 1];

    oid_to_hex(id, hex);
    snprintf(out, PATH_ROOM, ARMED "/%s", hex);
}

/* ---- in memory ---- */

struct armed {
    UT_hash_handle hh;
    struct oid id;
};

static struct armed *find(const struct history *h, const struct oid *id)
{
    struct armed *a;

    HASH_FIND(hh, h->armed, id->b, OID_SIZE, a);
    return a;
}

static void add(struct history *h, const struct oid *id)
{
    pthread_mutex_lock(&h->mutex);
    if (find(h, id) == NULL) {
        struct armed *a = mem_zalloc(sizeof(*a));

        a->id = *id;
        HASH_ADD_KEYPTR(hh, h->armed, a->id.b, OID_SIZE, a);
        atomic_fetch_add(&h->armed_count, 1);
    }
    pthread_mutex_unlock(&h->mutex);
}

static void remove_armed(struct history *h, struct armed *a)
{
    HASH_DELETE(hh, h->armed, a);
    free(a);
    TABLE_TRIM(hh, h->armed);
    atomic_fetch_sub(&h->armed_count, 1);
}

static void take(struct history *h, const struct oid *id)
{
    pthread_mutex_lock(&h->mutex);
    struct armed *a = find(h, id);
    if (a != NULL)
        remove_armed(h, a);
    pthread_mutex_unlock(&h->mutex);
}

void armed_fini(struct history *h)
{
    while (h->armed != NULL)
        remove_armed(h, h->armed);
}

bool history_is_armed(struct store *s, const struct oid *id)
{
    struct history *h = s->history;

    if (atomic_load_explicit(&h->armed_count, memory_order_acquire) == 0)
        return false;
    pthread_mutex_lock(&h->mutex);
    bool is = find(h, id) != NULL;
    pthread_mutex_unlock(&h->mutex);
    return is;
}

/* ---- on disk ---- */

static int load_one(void *arg, const char *name, bool is_folder)
{
    struct oid id;

    if (!is_folder && strlen(name) == OID_HEX &&
        oid_from_hex(name, OID_HEX, &id))
        add(arg, &id);
    return 0;
}

int armed_load(struct store *s, struct error *err)
{
    struct disk *d = s->config.disk;
    int rc = d->ops->list(d, ARMED, load_one, s->history);

    if (rc == 0 || rc == ERR_NOT_FOUND)
        return 0;
    return error_set(err, rc, "cannot read the folder " ARMED ": %s",
                     err_text(rc));
}

static int write_file(struct disk *d, const char *path,
                      const struct armed_bytes *b)
{
    int rc = history_write_file(d, ARMED "/making", path, b, sizeof(*b));

    if (rc == 0)
        rc = d->ops->sync_folder(d, ARMED);
    return rc != 0 ? rc : d->ops->sync_folder(d, "history");
}

int armed_write(struct store *s, const struct oid *id, const struct bookmark *b,
                struct error *err)
{
    struct history *h = s->history;
    struct armed_bytes bytes = {.number = b->number, .is_undo = b->is_undo};
    char path[PATH_ROOM];

    memcpy(bytes.magic, armed_magic, sizeof(bytes.magic));
    bytes.sum = XXH3_64bits(&bytes, offsetof(struct armed_bytes, sum));
    path_of(id, path);
    pthread_mutex_lock(&h->writing);
    int rc = write_file(s->config.disk, path, &bytes);
    if (rc == 0)
        add(h, id);
    pthread_mutex_unlock(&h->writing);
    return rc == 0
               ? 0
               : error_set(err, rc, "cannot write %s: %s", path, err_text(rc));
}

int armed_read(struct store *s, const struct oid *id, struct bookmark *out,
               struct error *err)
{
    struct disk *d = s->config.disk;
    struct armed_bytes b;
    struct file *f;
    char path[PATH_ROOM];

    path_of(id, path);
    int rc = d->ops->open(d, path, DISK_READ, &f);
    if (rc != 0)
        return error_set(err, rc, "cannot read %s: %s", path, err_text(rc));
    int64_t n = d->ops->pread(f, &b, sizeof(b), 0);
    d->ops->close(f);
    if (n < 0)
        return error_set(err, (int)n, "cannot read %s: %s", path,
                         err_text((int)n));
    if (n != (int64_t)sizeof(b) ||
        memcmp(b.magic, armed_magic, sizeof(b.magic)) != 0 ||
        b.sum != XXH3_64bits(&b, offsetof(struct armed_bytes, sum)))
        return error_set(err, ERR_CORRUPT, "%s is damaged", path);
    *out = (struct bookmark){b.number, b.is_undo != 0};
    return 0;
}

int history_disarm(struct store *s, const struct oid *id, struct error *err)
{
    struct history *h = s->history;
    struct disk *d = s->config.disk;
    char path[PATH_ROOM];

    path_of(id, path);
    pthread_mutex_lock(&h->writing);
    int rc = d->ops->remove(d, path);
    if (rc == 0 || rc == ERR_NOT_FOUND)
        rc = d->ops->sync_folder(d, ARMED);
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        take(h, id);
        rc = 0;
    }
    pthread_mutex_unlock(&h->writing);
    return rc == 0
               ? 0
               : error_set(err, rc, "cannot remove %s: %s", path, err_text(rc));
}
