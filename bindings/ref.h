/*
 * ref.h - references to functions and targets of other objects, as userdata:
 * ref(...), ref:method(...), ref:release().
 */
#ifndef BINDINGS_REF_H
#define BINDINGS_REF_H

#include <lua.h>

#include "base/buf.h"
#include "base/slice.h"

struct targets;

/* Pass the reference at `idx` on: as export_pack (export.h). */
int ref_pack(lua_State *L, int idx, struct buf *out, struct targets *to);
/* Push what the payload of an EXT_REF stands for: a reference, or at its home
 * the value itself.  ERR_CORRUPT.  [raises: mem] */
int ref_unpack(lua_State *L, struct slice in, struct targets *from);

#endif
