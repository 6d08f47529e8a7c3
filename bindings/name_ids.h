/*
 * name_ids.h - the ids of names, remembered for each class of a realm: an id
 * costs two HMACs, which a router would pay for every request.
 */
#ifndef BINDINGS_NAME_IDS_H
#define BINDINGS_NAME_IDS_H

#include <stdint.h>

#include "base/oid.h"
#include "base/slice.h"

struct object_class;

/* Names that are longer are not remembered. */
enum { NAME_IDS_LONGEST = 47 };

/* The id of `name` in the class.  Never raises. */
void name_id(struct object_class *c, struct slice name, struct oid *out);
/* Spreads names over slots (FNV-1a). */
uint32_t name_hash(struct slice name);

#endif
