/* data.h - the store in a data folder on the real disk. */
#ifndef HOST_DATA_H
#define HOST_DATA_H

#include <stdint.h>

#include "base/disk.h"
#include "base/logline.h"
#include "host/config.h"
#include "store/store.h"

/* Open the store in c->data: as store_open.  `*disk` is the caller's, to be
 * freed after the store is closed, also on failure unless NULL. */
int data_open(const struct config *c, struct logger *logger, struct disk **disk,
              struct store **out, struct error *err);
struct node_stage;
/* The same on the disk, by the clock and with the chance of `stage`, without
 * threads (STORE_PUMPED) and with the directory in memory. */
int data_open_on(const struct config *c, struct logger *logger,
                 const struct node_stage *stage, struct store **out,
                 struct error *err);
/* Make the directory of c->data anew: as store_rebuild_directory. */
int64_t data_rebuild(const struct config *c, struct logger *logger,
                     void (*progress)(void *arg, int64_t objects), void *arg,
                     struct error *err);

#endif
