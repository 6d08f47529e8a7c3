/*
 * face_storage.h - the database of an object while a function of the module
 * moonkeep.test looks into it.
 *
 * Owned by a userdata on the stack, so that what raises in between leaves
 * nothing open for good.
 */
#ifndef CLI_FACE_STORAGE_H
#define CLI_FACE_STORAGE_H

#include <lua.h>

#include "base/err.h"
#include "host/world_storage.h"
#include "store/kv.h"
#include "store/sql.h"

struct face_open {
    struct world_db db;
    struct kv_list *list;
    struct sql_cursor *cursor;
};

/* Open that of the id or stub at `arg`, and leave the userdata on the stack.
 * [raises] */
struct face_open *face_open(lua_State *L, int arg);
void face_close(struct face_open *o); /* twice is allowed */
/* Commit and close. [raises] */
void face_commit(lua_State *L, struct face_open *o);
/* Undo, close and raise `err`. [raises] */
int face_failed(lua_State *L, struct face_open *o, const struct error *err);

#endif
