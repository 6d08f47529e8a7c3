/*
 * json.h - JSON text <-> Lua values (RFC 8259, strict).
 *
 * null is mk.null, integers stay integers (beyond 64 bits: floats), floats are
 * written in the shortest form that reads back the same and always look like
 * floats.  A table is an array when its keys are exactly 1..n, or when
 * mk.json.array marked it; an object when all keys are strings; an unmarked
 * empty table is {}.
 */
#ifndef BINDINGS_JSON_H
#define BINDINGS_JSON_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { JSON_DEPTH_MAX = 1000 };

/* LENIENT, for log lines: what JSON has not becomes a string that names it,
 * keys that are no strings become text, invalid UTF-8 becomes U+FFFD. */
enum json_mode { JSON_STRICT, JSON_LENIENT };

/* Append the value at `idx`.  Never raises, never runs Lua code.  ERR_INVALID
 * with the path to what cannot be encoded; ERR_TOO_BIG past `max` bytes in
 * `out`. */
int json_encode(lua_State *L, int idx, enum json_mode mode, size_t max,
                struct buf *out, struct error *err);
/* Append a string with its quotes.  Returns 0, or ERR_INVALID with the offset
 * of the byte that is not UTF-8 in `*at` (strict). */
int json_add_string(struct buf *out, struct slice s, enum json_mode mode,
                    size_t *at);
void json_add_number(struct buf *out, double x); /* finite */

/* Push the value that `text` stands for; text.p[text.n] must be NUL.  Raises
 * what was expected, what came, and the byte offset. [raises] */
void json_push(lua_State *L, struct slice text);
/* Push the string that encodes the value at `idx`, as mk.json.encode gives
 * it. [raises] */
void json_push_text(lua_State *L, int idx);

/* Push the metatable that marks arrays. [raises: mem] */
void json_push_array_mark(lua_State *L);
/* Whether the table at `idx` is marked.  Never raises; needs 2 slots. */
bool json_is_array(lua_State *L, int idx);

/* The number of bytes of `s` that are valid UTF-8: s.n when all are. */
size_t utf8_valid(struct slice s);

#endif
