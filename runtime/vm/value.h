/*
 * value.h - Lua values as bytes (MessagePack), for storage and for passing
 * between states: exact integers, floats (NaN, infinities, -0.0 too), byte
 * strings, booleans, nil, tables at most 64 deep, mk.null, and what hooks add.
 *
 * A table whose keys are exactly 1..n is an array, else a map.  Strings are
 * MessagePack str when valid UTF-8 or not: str carries bytes here.  mk.null
 * (light userdata NULL) is ext 0x01 inside tables as well; nil is MessagePack
 * nil and occurs at the top only.  What others wrote is read as well: bin as a
 * string, float 32, integers not in their shortest form, nil inside a table as
 * mk.null.
 */
#ifndef VM_VALUE_H
#define VM_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct lua_State;

enum { VALUE_DEPTH_MAX = 64, VALUE_EXT_NULL = 1, VALUE_EXT_USER = 16 };

/* How values that are not plain data travel: ids, stubs, targets. */
struct value_hooks {
    /* The value at `idx` (a userdata, function, or table with a metatable):
     * add its payload to `out` and return its ext type (VALUE_EXT_USER..127);
     * 0: not one of mine (a table is then plain data); ERR_*: it cannot go,
     * with the reason as text in place of the payload.  Must not raise. */
    int (*pack)(struct lua_State *L, int idx, struct buf *out, void *arg);
    /* Push the one value that `payload` stands for, or return ERR_CORRUPT.
     * [raises: mem] */
    int (*unpack)(struct lua_State *L, int ext, struct slice payload,
                  void *arg);
    void *arg;
    bool null_is_nil; /* mk.null is written as others write it: as nil */
    const char *verb; /* "stored", "sent": `value.a[3]: a function cannot be
                         stored` */
    const char *root; /* how the path begins: "value", "argument 2" */
};

/* Append the encoding of the value at `idx` to `out`.  `hooks` may be NULL:
 * plain data, "stored", "value".  Never raises and calls no metamethod; on
 * failure `out` is as before and `err` has the path.  ERR_INVALID: what cannot
 * be encoded; ERR_TOO_BIG: more than `max` bytes; ERR_NOMEM: the Lua stack
 * cannot grow.  Its time is in proportion to `max`, however often a table
 * occurs in the value. */
int value_encode(struct lua_State *L, int idx, const struct value_hooks *hooks,
                 size_t max, struct buf *out, struct error *err);
/* Decode one value from `in` and push it; `*used` gets its bytes.  `hooks` may
 * be NULL.  ERR_CORRUPT with the byte offset, or ERR_NOMEM when the Lua stack
 * cannot grow (nothing pushed).  Any bytes are safe: at most 64 levels, memory
 * in proportion to `in`.  [raises: mem] */
int value_decode(struct lua_State *L, struct slice in,
                 const struct value_hooks *hooks, size_t *used,
                 struct error *err);

#endif
