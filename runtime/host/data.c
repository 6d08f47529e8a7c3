#include "host/data.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "host/node_parts.h"

/* Of the simulated disk's log, which is memory that is filled with zeros. */
enum { SEGMENT_BYTES = 256 << 10 };

#define DAY_MS INT64_C(86400000)

enum { DAYS_MAX = 100000 }; /* more is as good as for ever */

/* The file in the data folder, absolute; owned. */
static char *directory_path(const char *data)
{
    char *folder = realpath(data, NULL);
    struct buf path = {0};

    buf_printf(&path, "%s/directory.sqlite", folder == NULL ? data : folder);
    buf_add_byte(&path, '\0');
    free(folder);
    return path.p;
}

static int64_t history_ms(const struct config *c)
{
    int64_t days =
        c->history_days == HISTORY_UNSET ? HISTORY_DAYS : c->history_days;

    return (days < DAYS_MAX ? days : DAYS_MAX) * DAY_MS;
}

static struct store_config config_of(const struct config *c,
                                     struct logger *logger, struct disk *disk)
{
    const struct limits *l = &c->limits;

    return (struct store_config){.disk = disk,
                                 .clock = clock_system(),
                                 .logger = logger,
                                 .object_bytes = l->storage_mb << 20,
                                 .turn_bytes = l->turn_mb << 20,
                                 .history_ms = history_ms(c),
                                 .durability =
                                     c->relaxed ? STORE_RELAXED : STORE_DISK};
}

int data_open(const struct config *c, struct logger *logger, struct disk **disk,
              struct store **out, struct error *err)
{
    int rc = disk_real_new(c->data, disk, err);

    *out = NULL;
    if (rc != 0)
        return rc;
    struct store_config config = config_of(c, logger, *disk);
    char *directory = directory_path(c->data);
    config.directory_path = directory;
    rc = store_open(&config, out, err);
    free(directory);
    return rc;
}

int data_open_on(const struct config *c, struct logger *logger,
                 const struct node_stage *stage, struct store **out,
                 struct error *err)
{
    struct store_config config = config_of(c, logger, stage->disk);

    config.clock = stage->clock;
    config.random = stage->random;
    config.threads = STORE_PUMPED;
    config.segment_bytes = SEGMENT_BYTES;
    return store_open(&config, out, err);
}

int64_t data_rebuild(const struct config *c, struct logger *logger,
                     void (*progress)(void *arg, int64_t objects), void *arg,
                     struct error *err)
{
    struct disk *disk = NULL;
    int64_t rc = disk_real_new(c->data, &disk, err);

    if (rc != 0)
        return rc;
    struct store_config config = config_of(c, logger, disk);
    char *directory = directory_path(c->data);
    config.directory_path = directory;
    rc = store_rebuild_directory(&config, progress, arg, err);
    free(directory);
    disk->ops->free(disk);
    return rc;
}
