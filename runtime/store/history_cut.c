/* Objects whose file came from outside, and when: history/cut/<id>-<commit>. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/history_inside.h"
#include "store/inside.h"

#define CUT "history/cut"

enum { HEX = 16, PATH_ROOM = sizeof(CUT) + OID_HEX + HEX + 4 };

static bool read_name(const char *name, bool is_folder, uint64_t *number)
{
    return !is_folder && strlen(name) == OID_HEX + 1 + HEX &&
           sscanf(name + OID_HEX + 1, "%16" SCNx64, number) == 1;
}

int history_cut(struct store *s, const struct oid *id, struct error *err)
{
    struct disk *d = s->config.disk;
    uint64_t last = log_last(s->log);
    char hex[OID_HEX + 1];
    char path[PATH_ROOM];

    if (s->config.history_ms == 0)
        return 0;
    oid_to_hex(id, hex);
    snprintf(path, sizeof(path), CUT "/%s-%016" PRIx64, hex, last);
    int rc = history_write_file(d, CUT "/making", path, "", 0);
    if (rc == 0)
        rc = d->ops->sync_folder(d, CUT);
    if (rc == 0)
        rc = d->ops->sync_folder(d, "history");
    return rc == 0
               ? 0
               : error_set(err, rc, "cannot write %s: %s", path, err_text(rc));
}

struct looking {
    struct disk *disk;
    char hex[OID_HEX + 1];
    uint64_t number;
};

static int look(void *arg, const char *name, bool is_folder)
{
    struct looking *l = arg;
    uint64_t number;

    if (read_name(name, is_folder, &number) && number > l->number &&
        strncmp(name, l->hex, OID_HEX) == 0)
        l->number = number;
    return 0;
}

uint64_t history_cut_of(struct store *s, const struct oid *id)
{
    struct disk *d = s->config.disk;
    struct looking l = {.disk = d};

    oid_to_hex(id, l.hex);
    d->ops->list(d, CUT, look, &l);
    return l.number;
}

static int expire(void *arg, const char *name, bool is_folder)
{
    const struct looking *l = arg;
    char path[PATH_ROOM];
    uint64_t number;

    if (!read_name(name, is_folder, &number) || number >= l->number)
        return 0;
    snprintf(path, sizeof(path), CUT "/%s", name);
    int rc = l->disk->ops->remove(l->disk, path);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int history_cut_expire(struct disk *d, uint64_t oldest)
{
    struct looking l = {.disk = d, .number = oldest};
    int rc = d->ops->list(d, CUT, expire, &l);

    return rc == ERR_NOT_FOUND ? 0 : rc;
}
