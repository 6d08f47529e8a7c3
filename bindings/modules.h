/*
 * modules.h - one opener per binding file, called when a script first uses
 * the part; each pushes one value.  mk.* is filled lazily from this list
 * (moonkeep.c), so that a fresh state stays small.
 */
#ifndef BINDINGS_MODULES_H
#define BINDINGS_MODULES_H

#include <lua.h>

int bind_open_json(lua_State *L);     /* mk.json   (json.c) */
int bind_open_msgpack(lua_State *L);  /* mk.msgpack (codec.c) */
int bind_open_base64(lua_State *L);   /* mk.base64 (codec.c) */
int bind_open_hex(lua_State *L);      /* mk.hex    (codec.c) */
int bind_open_url(lua_State *L);      /* mk.url    (url.c) */
int bind_open_crypto(lua_State *L);   /* mk.crypto (crypto.c) */
int bind_open_log(lua_State *L);      /* mk.log    (log.c) */
int bind_open_request(lua_State *L);  /* mk.Request  (request.c) */
int bind_open_response(lua_State *L); /* mk.Response, callable (response.c) */
int bind_open_headers(lua_State *L);  /* mk.Headers, callable (headers.c) */
int bind_open_fetch(lua_State *L);    /* mk.fetch (fetch.c) */
int bind_open_blob(lua_State *L);     /* mk.blob (blob.c) */
int bind_open_target(lua_State *L);   /* mk.target (export.c) */
int bind_open_storage(lua_State *L);  /* the value of ctx.storage (storage.c) */

#endif
