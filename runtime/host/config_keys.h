/*
 * config_keys.h - the keys that moonkeep.lua may have: their types and
 * ranges, and the field of struct config that each one sets.
 */
#ifndef HOST_CONFIG_KEYS_H
#define HOST_CONFIG_KEYS_H

#include "base/err.h"
#include "host/config.h"

struct datatable;

/* Set in `c` what `table` says; paths are taken relative to c->folder, and
 * `from` is what errors name.  Returns 0 or ERR_INVALID with that and key. */
int config_keys_apply(struct config *c, const char *from,
                      struct datatable *table, struct error *err);

#endif
