#include "host/data.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"

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

/* With `directory_path` to be freed. */
static struct store_config config_of(const struct config *c,
                                     struct logger *logger, struct disk *disk)
{
    const struct limits *l = &c->limits;

    return (struct store_config){.disk = disk,
                                 .clock = clock_system(),
                                 .logger = logger,
                                 .object_bytes = l->storage_mb << 20,
                                 .turn_bytes = l->turn_mb << 20,
                                 .durability =
                                     c->relaxed ? STORE_RELAXED : STORE_DISK,
                                 .directory_path = directory_path(c->data)};
}

int data_open(const struct config *c, struct logger *logger, struct disk **disk,
              struct store **out, struct error *err)
{
    int rc = disk_real_new(c->data, disk, err);

    *out = NULL;
    if (rc != 0)
        return rc;
    struct store_config config = config_of(c, logger, *disk);
    rc = store_open(&config, out, err);
    free((char *)(uintptr_t)config.directory_path);
    return rc;
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
    rc = store_rebuild_directory(&config, progress, arg, err);
    free((char *)(uintptr_t)config.directory_path);
    disk->ops->free(disk);
    return rc;
}
