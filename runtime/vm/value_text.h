/*
 * value_text.h - an encoded value (value.h) as a short text to read: JSON as
 * far as that goes, for tools that look at storage.  No Lua state is needed.
 *
 *   {"name": "Ada", "at": [1, 2.5], 7: null, "raw": "\xff"}
 */
#ifndef VM_VALUE_TEXT_H
#define VM_VALUE_TEXT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

/* Append what an extension of type VALUE_EXT_USER or above means; false: not
 * one of mine. */
typedef bool (*value_text_cb)(struct buf *out, int type, struct slice payload);

/* Append the value in `in`, cut with an ellipsis when it is longer than about
 * `max` bytes; "(damaged)" for what is none.  `ext` may be NULL.  Any bytes are
 * safe; takes time in proportion to `max`. */
void value_text(struct slice in, size_t max, value_text_cb ext,
                struct buf *out);

/*
 * Append the first value in `in` as JSON: bytes that are no UTF-8 as \xNN in
 * the text, keys that are no strings as strings, what JSON lacks (nil, NaN) as
 * null, extensions as strings.  Returns how many bytes of `in` it has, or 0
 * when it is damaged; then `out` has a part of it.
 */
size_t value_json(struct slice in, value_text_cb ext, struct buf *out);

#endif
