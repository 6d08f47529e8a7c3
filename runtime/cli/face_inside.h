/*
 * face_inside.h - what the files of the module moonkeep.test share.
 *
 *   lua/test/ *.lua --> core: a table of functions, one list per file here
 *
 * A world is a userdata; what belongs to one (calls, sockets, references) is a
 * userdata that keeps it as its user value.  Functions of core raise as
 * bindings do; what the test did wrong is worded in Lua, at its line.
 */
#ifndef CLI_FACE_INSIDE_H
#define CLI_FACE_INSIDE_H

#include <lauxlib.h>
#include <lua.h>

#include "base/err.h"
#include "base/message.h"
#include "base/oid.h"
#include "host/world.h"
#include "vm/value.h"

/* The lists of functions of core; each ends with {NULL, NULL}. */
extern const luaL_Reg face_guard[];   /* face_guard.c */
extern const luaL_Reg face_world[];   /* face_world.c */
extern const luaL_Reg face_names[];   /* face_names.c */
extern const luaL_Reg face_values[];  /* face_values.c */
extern const luaL_Reg face_json[];    /* face_json.c */
extern const luaL_Reg face_calls[];   /* face_calls.c */
extern const luaL_Reg face_http[];    /* face_http.c */
extern const luaL_Reg face_sockets[]; /* face_sockets.c */
extern const luaL_Reg face_asks[];    /* face_asks.c */
extern const luaL_Reg face_storage[]; /* face_storage.c */
extern const luaL_Reg face_sql[];     /* face_sql.c */

/* An empty buffer of the state, borrowed until the next call (face.c).  The
 * states here are of no vm: bindings that need one (bind_scratch, userdata of
 * classes, anything charged) are not for them. [raises: mem] */
struct buf *face_scratch(lua_State *L);
/* Push its bytes and give back what it holds beyond a little. */
void face_push_scratch(lua_State *L, struct buf *b);
/* Push the value of a JSON text. [raises] */
void face_push_json(lua_State *L, struct slice text);

/* ---- worlds (face_world.c) ---- */

/* The world of the userdata at `arg`.  Raises when it was stopped. */
struct world *face_check_world(lua_State *L, int arg);
/* The same of the userdata at `arg` that belongs to one; NULL: stopped. */
struct world *face_world_of(lua_State *L, int arg);
/* A new userdata of `name` (methods: __gc alone) that belongs to the world at
 * `arg`, on top of the stack, zeroed. */
void *face_new(lua_State *L, const char *name, lua_CFunction gc, size_t size,
               int arg);

/* ---- ids and stubs (face_names.c) ---- */

struct face_address {
    struct oid oid;
    size_t class_n, name_n;
    char text[]; /* class, NUL, name */
};
/* The id or stub at `arg`. */
const struct face_address *face_check_address(lua_State *L, int arg);
/* The same at `idx`, and EXT_ID or EXT_STUB; NULL: it is neither. */
const struct face_address *face_to_address(lua_State *L, int idx, int *ext);
struct slice face_name_of(const struct face_address *a);
/* Push an id or (EXT_STUB) a stub of the world at index 1. */
void face_push_address(lua_State *L, int ext, struct slice class_name,
                       const struct oid *oid, struct slice name);
/* The value at `idx` is a table that goes by reference. */
bool face_is_target(lua_State *L, int idx);

/* ---- values (face_values.c) ---- */

/* As value_encode, with tables in an order that is the same in every process
 * (face_order.h). */
int face_encode(lua_State *L, int idx, const struct value_hooks *hooks,
                size_t max, struct buf *out, struct error *err);
/* Encode the values from `from` to the top, the world being at 1, as the
 * arguments of `e`, which is freed when that raises. */
struct event;
void face_pack_arguments(lua_State *L, int from, struct event *e);
/* Make the values from `from` to the top the outcome `o`; ERR_*. */
int face_add_values(lua_State *L, int from, struct outcome *o,
                    struct error *err);
/* Push `count` values of `in`; the world is at index 1. */
struct targets;
void face_push_values(lua_State *L, struct slice in, uint32_t count,
                      struct targets *targets);
/* Push one stored value, and add one to `out`, the world being at index 1. */
void face_push_stored(lua_State *L, struct slice in);
int face_add_stored(lua_State *L, int idx, struct buf *out, struct error *err);
/* The target of the reference at `arg`. */
struct target *face_check_ref(lua_State *L, int arg);

/* ---- calls, messages ---- */

/* Whether the call at `arg` is over, kept up to date (face_calls.c). */
const bool *face_check_over(lua_State *L, int arg);

/* Push a failure as an error value (face_calls.c). */
void face_push_failure(lua_State *L, const struct failure *f);
/* The response that the call at `arg` came to; still the call's. */
struct response *face_check_answered(lua_State *L, int arg);
/* Push a call of the world at 1, yet empty (face_calls.c). */
struct world_call **face_new_call(lua_State *L);
/* Push a message of the world at 1 (face_http.c): yet empty, its request; of
 * `rq` a reference is taken; `*rs` is taken over and set to NULL. */
struct request **face_new_message(lua_State *L);
void face_push_request(lua_State *L, struct request *rq);
void face_push_response(lua_State *L, struct response **rs);
const struct request *face_check_sent(lua_State *L, int arg);
/* The request that the arguments from `arg` on say: method, url, headers, body;
 * `more` fields come first. */
struct request *face_check_request(lua_State *L, int arg,
                                   const struct field *more, uint32_t more_n);
/* The response: status, reason, headers, body. */
struct response *face_check_answer(lua_State *L, int arg);
struct world_socket;
/* Push a socket of the world at 1, yet empty (face_sockets.c). */
struct world_socket **face_new_socket(lua_State *L);

#endif
