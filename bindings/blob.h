/*
 * blob.h - mk.blob(bytes): a string that SQL binds as BLOB instead of TEXT.
 */
#ifndef BINDINGS_BLOB_H
#define BINDINGS_BLOB_H

#include <stdbool.h>

#include <lua.h>

#include "base/slice.h"

/* The bytes of the blob at `idx`, borrowed while it lives; false when it is
 * none.  Never raises; needs 2 slots. */
bool bind_to_blob(lua_State *L, int idx, struct slice *out);

#endif
